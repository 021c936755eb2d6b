// An OpenID provider on loopback: the certified `oidc-provider`, with a sign-in page that believes everybody,
// and faults on demand.
//
//   stdin    one line of JSON: {"redirect": "http://...", "emailInToken": true}
//   stdout   its address, once it listens
//   GET /fault?name=NAME   from now on the id token has this fault; an empty name ends it

import { createSign, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const jwk = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'test' };

let fault = '';
const now = () => Math.floor(Date.now() / 1000);

// What each fault makes of the claims.
const faults = {
  issuer: (claims) => ({ ...claims, iss: 'https://evil.example' }),
  audience: (claims) => ({ ...claims, aud: 'another-client' }),
  nonce: (claims) => ({ ...claims, nonce: 'of-another-sign-in' }),
  'no-nonce': ({ nonce, ...claims }) => claims,
  expired: (claims) => ({ ...claims, iat: now() - 7200, exp: now() - 3600 }),
  unverified: (claims) => ({ ...claims, email_verified: false }),
  stranger: (claims) => claims,
  unsigned: (claims) => claims,
  'at-hash': (claims) => ({ ...claims, at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }),
};

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function forge(token) {
  const [header, payload] = token.split('.').slice(0, 2).map((p) => JSON.parse(Buffer.from(p, 'base64url')));
  const claims = faults[fault](payload);
  if (fault === 'unsigned') return `${part({ ...header, alg: 'none' })}.${part(claims)}.`;
  const signed = `${part(header)}.${part(claims)}`;
  const key = fault === 'stranger' ? stranger : privateKey;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key, 'base64url')}`;
}

function provide(issuer, { redirect, emailInToken }) {
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'dashboard',
      client_secret: 'of the dashboard and its provider',
      redirect_uris: [redirect],
      response_types: ['code'],
      grant_types: ['authorization_code'],
    }],
    jwks: { keys: [jwk] },
    cookies: { keys: ['of these tests'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: !emailInToken,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 600, Grant: 600 },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: id, email_verified: true }),
    }),
    // Nobody is asked for consent.
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid email');
      await grant.save();
      return grant;
    },
  });
  provider.use(async (ctx, next) => {
    await next();
    if (fault && ctx.body?.id_token) ctx.body.id_token = forge(ctx.body.id_token);
  });
  return provider;
}

const page = (uid) => `<!DOCTYPE html><html lang="en"><title>Provider</title><h1>Who are you?</h1>
<form method="post" action="/interaction/${uid}"><label>E-mail <input name="email" id="email"></label>
<button>It is me</button></form>`;

let provider;
const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://provider');
  if (url.pathname === '/fault') {
    fault = url.searchParams.get('name');
    response.end(fault in faults || fault === '' ? 'yes' : 'no such fault');
  } else if (url.pathname.startsWith('/interaction/') && request.method === 'GET') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(page(url.pathname.split('/')[2]));
  } else if (url.pathname.startsWith('/interaction/')) {
    let body = '';
    for await (const chunk of request) body += chunk;
    const login = { accountId: new URLSearchParams(body).get('email') };
    await provider.interactionFinished(request, response, { login });
  } else {
    provider.callback()(request, response);
  }
});

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const input = createInterface({ input: process.stdin });
  input.once('line', (line) => {
    provider = provide(issuer, JSON.parse(line));
    console.log('ready');
  });
  // Whoever started it is gone.
  input.once('close', () => process.exit());
  console.log(issuer);
});
