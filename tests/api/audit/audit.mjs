// node audit.mjs FOLDER URL TOKEN: what graphql-http, installed in FOLDER, finds of the server at URL, as JSON.
import { createRequire } from "node:module";

const [folder, url, token] = process.argv.slice(2);
const { auditServer } = createRequire(`${folder}/`)("graphql-http");
const fetchFn = (address, options = {}) =>
  fetch(address, { ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } });
const results = await auditServer({ url, fetchFn });
console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
