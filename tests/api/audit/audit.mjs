// node audit.mjs FOLDER URL: what graphql-http, installed in FOLDER, finds of the server at URL, as JSON.
import { createRequire } from "node:module";

const [folder, url] = process.argv.slice(2);
const { auditServer } = createRequire(`${folder}/`)("graphql-http");
const results = await auditServer({ url });
console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
