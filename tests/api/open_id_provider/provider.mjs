// An OpenID provider on loopback: node provider.mjs PORT BACK. It signs in whoever names an account.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [port, back, folder] = process.argv.slice(2);
const found = createRequire(`${folder}/`).resolve("oidc-provider");
const { default: Provider } = await import(pathToFileURL(found).href);

const AUDIENCE = "urn:parkledger";
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "parkledger",
      client_secret: "a secret for tests",
      redirect_uris: [back],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
    {
      client_id: "machine",
      client_secret: "another secret for tests",
      redirect_uris: [],
      grant_types: ["client_credentials"],
      response_types: [],
    },
  ],
  pkce: { required: () => true },
  features: {
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, indicator) => ({
        scope: "",
        audience: indicator,
        accessTokenFormat: "jwt",
        accessTokenTTL: 600,
      }),
    },
  },
});
provider.listen(Number(port), "127.0.0.1", () => console.log(`ready ${issuer} ${AUDIENCE}`));
