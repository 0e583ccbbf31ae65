import { eventually } from '#libs/test-kit';
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT, type JWK, type JWTPayload } from 'jose';
import { Passwords } from '../../services/identity/src/password/passwords.js';
import { EvidenceKeys } from '../../services/identity/src/signing-key/evidence-keys.js';
import { TokenKeys } from '../../services/identity/src/signing-key/token-keys.js';
import { anAccount, PASSWORD, type Cast } from '../support/cast.js';
import { System } from '../support/system.js';
import { ask, type Answer } from './ask.js';

let system: System;
let cast: Cast;
let good: string;

beforeAll(async () => {
  system = await System.start();
  cast = await anAccount(system, 'crm');
  good = await signIn();
}, 60_000);
afterAll(() => system?.stop());

const post = (path: string, body: unknown, headers = {}) => ask(system.url, { method: 'POST', path, body, headers });
const login = (email: string, password = PASSWORD) => post('/v1/auth/login', { email, password });
const signIn = async () => (JSON.parse((await login(cast.cleo.email)).text) as { accessToken: string }).accessToken;
const me = (token?: string, headers = {}) => ask(system.url, { method: 'GET', path: '/v1/me', token, headers });

const firstKeyIn = async (answer: Response) => ((await answer.json()) as { keys: [JWK] }).keys[0];

/** A refusal without the parts that differ for each request. */
const comparable = ({ status, headers, text }: Answer) => ({
  status,
  headers: [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name)),
  text,
});

describe('an access token', () => {
  /** The service's own key of tokens, for the best possible forgery. */
  const ours = () => system.services.get('identity')!.app.get(TokenKeys, { strict: false }).current();
  const sign = async (change: JWTPayload, header: object = {}, key: Parameters<SignJWT['sign']>[0] = ours().key) =>
    new SignJWT({ ...decodeJwt(good), ...change })
      .setProtectedHeader({ alg: 'EdDSA', kid: ours().kid, typ: 'JWT', ...header })
      .sign(key);
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const publicKey = async () => firstKeyIn(await fetch(`${system.url}/.well-known/jwks.json?purpose=tokens`));
  const now = () => Math.floor(system.clock.millis() / 1_000);

  async function forgeries(): Promise<Record<string, string>> {
    const [header, claims, signature] = good.split('.') as [string, string, string];
    const { kid } = decodeProtectedHeader(good);
    const jwk = await publicKey();
    const ofCertificates = system.services
      .get('identity')!
      .app.get(EvidenceKeys, { strict: false })
      .current('certificates');
    const foreign = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const change = (changes: object) => `${header}.${encode({ ...decodeJwt(good), ...changes })}.${signature}`;
    const hmac = (secret: Uint8Array) => sign({}, { alg: 'HS256' }, secret);
    return {
      'of nobody': `${encode({ alg: 'none' })}.${claims}.`,
      'of nobody, with our key id': `${encode({ alg: 'none', kid })}.${claims}.${signature}`,
      'of NoNe': `${encode({ alg: 'NoNe', kid })}.${claims}.`,
      'signed with our public key as a secret': await hmac(Buffer.from(jwk.x!, 'base64url')),
      'signed with the text of our public key': await hmac(Buffer.from(JSON.stringify(jwk))),
      'signed with the key of certificates': await sign({}, { kid: ofCertificates.kid }, ofCertificates.key),
      'signed with another key': await sign({}, {}, foreign.privateKey),
      'signed with another key that it brings along': await sign(
        {},
        { jwk: await exportJWK(foreign.publicKey) },
        foreign.privateKey,
      ),
      'signed with another key under its own id': await sign({}, { kid: 'mine' }, foreign.privateKey),
      'of a key id that is a path': await sign({}, { kid: '../../../dev/null' }, foreign.privateKey),
      'of no key id': await sign({}, { kid: undefined }),
      'with critical words that nobody knows': `${encode({ alg: 'EdDSA', kid, crit: ['exp2'], exp2: 1 })}.${claims}.${signature}`,
      'of another account': change({ acc: '00000000-0000-0000-0000-000000000000' }),
      'of another user': change({ sub: cast.owner.id }),
      'with more roles': change({ roles: ['owner'] }),
      'with another epoch': change({ ep: 99 }),
      'of a session that never was': change({ sid: cast.owner.id }),
      expired: await sign({ iat: now() - 290, exp: now() - 10 }),
      'that never expires': await sign({ exp: undefined }),
      'that expires in a hundred years': await sign({ iat: now() - 400, exp: now() + 3e9 }),
      'from the future': await sign({ iat: now() + 60, exp: now() + 120 }),
      'not yet valid': await sign({ nbf: now() + 60 }),
      'of another issuer': await sign({ iss: 'urn:leaver:identity' }),
      'for another audience': await sign({ aud: 'somebody-else' }),
      'without its signature': `${header}.${claims}.`,
      'without half of its signature': good.slice(0, -40),
      'without its last character': good.slice(0, -1),
      'in two parts': `${header}.${claims}`,
      'with a fourth part': `${good}.x`,
      'twice as long': `${good}${good}`,
      'that is endless': `${good}${'x'.repeat(10_000)}`,
      'with claims that are none': await sign({ sub: undefined, acc: undefined }),
    };
  }

  it('that differs from what identity issued is refused, without further information', async () => {
    expect((await me(good)).status).toBe(200);
    expect((await me(await sign({}))).status).toBe(200);
    const answers = Object.entries(await forgeries()).map(
      async ([what, token]) => [what, comparable(await me(token))] as const,
    );
    const refusal = comparable(await me());
    expect(refusal).toMatchObject({
      status: 401,
      headers: expect.arrayContaining([
        ['content-type', 'application/problem+json'],
        ['www-authenticate', 'Bearer'],
      ]),
    });
    for (const [what, answer] of await Promise.all(answers)) expect({ what, ...answer }).toEqual({ what, ...refusal });
    expect((await me(good)).status).toBe(200);
  });

  it('is accepted only in the header, and only once', async () => {
    for (const path of [`/v1/me?access_token=${good}`, `/v1/me?token=${good}`, `/v1/me?authorization=Bearer%20${good}`])
      expect((await ask(system.url, { method: 'GET', path })).status).toBe(401);
    expect((await me(undefined, { cookie: `token=${good}; authorization=Bearer ${good}` })).status).toBe(401);
    expect((await me(undefined, { authorization: `Basic ${good}` })).status).toBe(401);
    expect((await me(undefined, { authorization: `Bearer ${good}, Bearer ${good}` })).status).toBe(401);
    expect(system.logged.filter((line) => line.includes(good))).toEqual([]);
  });

  it('of another kind is refused', async () => {
    const { token } = await cast.owner.api.post('/v1/account/scim-tokens', { name: 'Directory' });
    const { refreshToken } = JSON.parse((await login(cast.cleo.email)).text) as { refreshToken: string };
    for (const other of [token as string, refreshToken, 'lvr_', 'lvr_x_y', `lvr_${good}`])
      expect((await me(other)).status).toBe(401);
    const scim = await ask(system.url, { method: 'GET', path: '/scim/v2/Users', token: good });
    expect(scim.status).toBe(401);
  });

  it('becomes invalid with its session for all operations', async () => {
    const token = await signIn();
    await system.api(token).post('/v1/auth/logout');
    await eventually(async () => expect((await me(token)).status).toBe(401));
  });
});

describe('a refresh token', () => {
  const refresh = (refreshToken: string) => post('/v1/auth/refresh', { refreshToken });
  type Tokens = { accessToken: string; refreshToken: string };
  const tokensIn = ({ text }: Answer) => JSON.parse(text) as Tokens;

  it('that is used twice ends its whole session', async () => {
    const first = tokensIn(await login(cast.dan.email));
    const other = tokensIn(await login(cast.dan.email));
    const second = tokensIn(await refresh(first.refreshToken));
    const third = tokensIn(await refresh(second.refreshToken));
    expect((await me(third.accessToken)).status).toBe(200);
    expect((await refresh(first.refreshToken)).status).toBe(401);
    expect((await refresh(third.refreshToken)).status).toBe(401);
    await eventually(async () => {
      for (const { accessToken } of [first, second, third]) expect((await me(accessToken)).status).toBe(401);
    });
    expect((await refresh(other.refreshToken)).status).toBe(200);
    const about = `/v1/audit?action=session.replayed&subjectId=${cast.dan.id}`;
    const { items } = await cast.owner.api.get<{ items: object[] }>(about);
    expect(items).toMatchObject([{ subject: { id: cast.dan.id } }]);
  });

  it('that never existed is refused like a used one', async () => {
    const used = tokensIn(await login(cast.ada.email)).refreshToken;
    await refresh(used);
    const refusals = [used, `${used.slice(0, -2)}xx`, 'x', 'x'.repeat(200)].map(async (token) =>
      comparable(await refresh(token)),
    );
    const [first, ...others] = await Promise.all(refusals);
    expect(first!.status).toBe(401);
    for (const other of others) expect(other).toEqual(first);
  });
});

describe('a client that tries to find out whether a user exists', () => {
  const unknown = 'nobody@nowhere.example';
  let invited: string;
  let gone: string;
  beforeAll(async () => {
    const api = cast.owner.api;
    [invited, gone] = ['invited@cast.example', 'gone@cast.example'];
    await api.post('/v1/users', { name: 'In Vited', email: invited, staffId: 'I-1' });
    const left = await api.post('/v1/users', { name: 'Go Ne', email: gone, staffId: 'G-1', password: PASSWORD });
    await api.post(`/v1/users/${left.id as string}/deactivate`);
  });

  it('learns nothing by signing in, which does the same work', async () => {
    const passwords = system.services.get('identity')!.app.get(Passwords, { strict: false });
    const counted = passwords as unknown as { matches: Passwords['matches'] };
    const matches = counted.matches.bind(passwords);
    let verifications = 0;
    counted.matches = (...parts) => {
      verifications++;
      return matches(...parts);
    };
    const seen = [];
    for (const email of [unknown, cast.ada.email, cast.ada.email.toUpperCase(), invited, gone]) {
      verifications = 0;
      seen.push({ ...comparable(await login(email, 'not the password')), verifications });
    }
    counted.matches = matches;
    expect(seen[0]).toMatchObject({ status: 401, verifications: 1 });
    for (const answer of seen) expect(answer).toEqual(seen[0]);
  });

  it('learns nothing by a password reset', async () => {
    const reset = async (email: string) => comparable(await post('/v1/auth/password-reset', { email }));
    const answers = [];
    for (const email of [unknown, cast.ada.email, invited, gone]) answers.push(await reset(email));
    expect(answers[0]!.status).toBe(202);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  it('learns nothing by creating an account', async () => {
    const open = async (email: string) => {
      const owner = { name: 'Mallory', email, password: PASSWORD, staffId: 'M-1' };
      const answer = await post('/v1/accounts', { name: 'Mallory & Co', owner });
      return { status: answer.status, fields: Object.keys(JSON.parse(answer.text) as object) };
    };
    expect(await open(cast.ben.email)).toEqual(await open(unknown));
  });

  it('learns nothing about invitations', async () => {
    const accept = async (token: string) =>
      comparable(await post('/v1/invitations/accept', { token, password: PASSWORD }));
    const refusals = ['x', 'x'.repeat(43), 'x'.repeat(200)].map(accept);
    const [first, ...others] = await Promise.all(refusals);
    expect(first!.status).toBe(404);
    for (const other of others) expect(other).toEqual(first);
  });

  it('is rate-limited, also for unknown users', async () => {
    const until = async (email: string) => {
      for (let tries = 1; tries < 100; tries++) {
        const { status, headers } = await login(email, `guess ${tries}`);
        if (status === 429) return { tries, retryAfter: Number(headers.get('retry-after')) };
        expect(status).toBe(401);
      }
      return undefined;
    };
    for (const email of [cast.ben.email, 'somebody@nowhere.example']) {
      const stopped = await until(email);
      expect(stopped!.tries).toBeGreaterThan(30);
      expect(stopped!.retryAfter).toBeGreaterThan(0);
    }
    expect((await login(cast.dan.email)).status).toBe(200);
  });
});
