// A real OpenID Connect provider on this machine, for tests/api/real_provider.rs: one account that
// is signed in without being asked, one client for each way to sign a token. Writes its issuer into
// the file that is named on the command line.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;

const secret = process.env.BANTIN_TEST_OIDC_SECRET ?? randomBytes(32).toString('hex');
const redirect = 'https://editor.example.vn/dang-nhap';
const client = (alg, more) => ({
  client_id: `bantin-${alg}`,
  client_secret: secret,
  redirect_uris: [redirect],
  grant_types: ['authorization_code'],
  response_types: ['code'],
  id_token_signed_response_alg: alg,
  ...more,
});
const key = (alg, kind, options) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }),
  alg,
  use: 'sig',
  kid: alg,
});

const provider = new Provider(issuer, {
  clients: [
    client('RS256'),
    client('ES256', { token_endpoint_auth_method: 'client_secret_post' }),
    client('EdDSA', { token_endpoint_auth_method: 'none', client_secret: undefined }),
  ],
  jwks: {
    keys: [
      key('RS256', 'rsa', { modulusLength: 2048 }),
      key('ES256', 'ec', { namedCurve: 'P-256' }),
      key('EdDSA', 'ed25519'),
    ],
  },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  features: { devInteractions: { enabled: false } },
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], roles: ['roles'] },
  scopes: ['openid', 'roles'],
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: 'Lê Thị Hà',
      preferred_username: 'ha.le',
      roles: ['bien-tap'],
    }),
  }),
});

/** What a person would do: sign in, and agree. */
async function interact(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    await provider.interactionFinished(request, response, { login: { accountId: 'u-1f6c' } });
    return;
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const grantId = await grant.save();
  await provider.interactionFinished(request, response, { consent: { grantId } });
}

const answer = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) {
    answer(request, response);
    return;
  }
  interact(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});
process.on('SIGTERM', () => process.exit(0));
writeFileSync(process.argv[2], issuer);
