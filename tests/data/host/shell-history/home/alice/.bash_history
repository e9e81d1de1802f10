ls -la
#1773193200
cd /srv/app
#1773193260
for i in 1 2 3; do
  echo $i

done
#1773193300
aws s3 cp s3://corp-reports-111122223333/customers/2026/a.csv . --profile AKIASVCBACKUPEXAMPLE
#17
echo after a short number
#1773193400
