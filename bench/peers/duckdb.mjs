// DuckDB: CloudTrail files into one typed table, in memory.
//   duckdb.mjs FOLDER [DUMP]   prints the seconds that loading took
import { createRequire } from "node:module";
// installed by bench/run outside of the source tree
const require = createRequire(process.env.BENCH_NODE + "/");
const { DuckDBInstance } = require("@duckdb/node-api");

const [folder, dump] = process.argv.slice(2);
const quoted = (s) => "'" + s.replaceAll("'", "''") + "'";
const record = `STRUCT(
  userIdentity STRUCT("type" VARCHAR, principalId VARCHAR, arn VARCHAR,
                      accountId VARCHAR, accessKeyId VARCHAR),
  eventTime TIMESTAMP, eventSource VARCHAR, eventName VARCHAR,
  awsRegion VARCHAR, sourceIPAddress VARCHAR, userAgent VARCHAR,
  errorCode VARCHAR, errorMessage VARCHAR, requestID VARCHAR, eventID UUID,
  eventType VARCHAR, recipientAccountId VARCHAR)[]`;

const db = await (await DuckDBInstance.create(":memory:")).connect();
const start = performance.now();
await db.run(`
  CREATE TABLE event AS
  SELECT r.eventTime AS t, r.eventSource AS service, r.eventName AS name,
         r.awsRegion AS region, r.sourceIPAddress AS ip, r.userAgent AS agent,
         r.errorCode AS error, r.errorMessage AS message,
         r.requestID AS request, r.eventID AS id, r.eventType AS kind,
         r.recipientAccountId AS recipient, r.userIdentity.type AS who,
         r.userIdentity.principalId AS principal, r.userIdentity.arn AS arn,
         r.userIdentity.accessKeyId AS access_key
  FROM (SELECT unnest(Records) AS r
        FROM read_json(${quoted(folder + "/**/*.json.gz")},
                       columns = {Records: ${quoted(record)}},
                       maximum_object_size = 1073741824))`);
console.log(((performance.now() - start) / 1000).toFixed(3));
if (dump)
  await db.run(`
    COPY (SELECT id, epoch(t)::BIGINT, name FROM event)
    TO ${quoted(dump)} (HEADER false, DELIMITER '\t')`);
