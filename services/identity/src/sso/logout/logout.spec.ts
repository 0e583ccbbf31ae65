import { auditList, endSsoSessions, endSsoSessionsOf, type Principal, type SubjectIdentifier } from '#libs/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { outcomeOf, type TestIdentity } from '../../testing/identity.js';
import { CLIENT_ID, OpenIdProvider } from '../../testing/openid-provider.js';
import { ORIGIN, SingleSignOn } from '../../testing/single-sign-on.js';

const EVENT = { 'http://schemas.openid.net/event/backchannel-logout': {} };

let sso: SingleSignOn;
let identity: TestIdentity;
let person: ReturnType<SingleSignOn['aPerson']>;
let user: Principal;
let tokens = 0;

beforeAll(async () => {
  sso = await SingleSignOn.start();
  ({ identity } = sso);
});
afterAll(() => sso?.stop());
beforeEach(async () => {
  await sso.anAccount();
  person = sso.aPerson();
  user = await identity.signedIn(await identity.aPerson(sso.owner, { email: person.email }));
});

/** Signs in through the provider, whose session has this id. */
const signIn = async (sid: string) => {
  sso.provider.changeIdToken = (claims) => ({ ...claims, sid });
  return (await sso.whoIs(await sso.signIn(person))).sessionId!;
};
const open = async () => {
  const rows = await identity.query(
    sql<{ id: string }>`select id from session where user_id = ${user.userId} and not revoked`,
  );
  return rows.map(({ id }) => id).sort();
};
const claims = (more: object) => {
  const iat = Math.floor(identity.clock.millis() / 1_000);
  return { iss: sso.provider.issuer, aud: CLIENT_ID, iat, exp: iat + 120, jti: `token-${++tokens}`, ...more };
};
const endings = async () => {
  const query = { action: 'sessions.ended' };
  const { items } = await identity.call(auditList, { principal: sso.owner, query });
  return items.map(({ system, subject }) => [system, subject?.id]);
};

describe('a logout token', () => {
  const token = (more: object = {}, typ = 'logout+jwt', signer = sso.provider) =>
    signer.sign(claims({ events: EVENT, sub: person.sub, ...more }), { typ });
  const send = (logoutToken: string, { accountId } = sso.owner) =>
    identity.client.ask(endSsoSessions, { accountId, logoutToken });

  it('ends the sessions of one session of the provider, or all that it has begun for a person', async () => {
    const [one, two, three] = [await signIn('a'), await signIn('a'), await signIn('b')];
    expect(await open()).toEqual([user.sessionId!, one, two, three].sort());
    await send(await token({ sid: 'a' }));
    expect(await open()).toEqual([user.sessionId!, three].sort());
    await send(await token({ sub: undefined, sid: 'b' }));
    expect(await open()).toEqual([user.sessionId!]);
    const four = await signIn('c');
    const all = await token();
    await send(all);
    expect(await open()).toEqual([user.sessionId!]);
    expect(await endings()).toEqual(Array(3).fill(['system (sso)', user.userId]));
    const five = await signIn('d');
    await send(all);
    expect([four === five, await open()]).toEqual([false, [user.sessionId!, five].sort()]);
  });

  it('of somebody who is not linked ends nothing', async () => {
    const session = await signIn('a');
    await send(await token({ sub: 'somebody-else', sid: 'a' }));
    expect(await open()).toContain(session);
  });

  it('is refused if anything about it is wrong', async () => {
    const session = await signIn('a');
    const past = Math.floor(identity.clock.millis() / 1_000) - 3_600;
    const other = await OpenIdProvider.start({ redirectUri: ORIGIN });
    const wrong = {
      audience: await token({ aud: 'another-client' }),
      issuer: await token({ iss: 'https://accounts.example.org' }),
      expired: await token({ iat: past, exp: past + 120 }),
      'issued long ago': await token({ iat: past, exp: past + 86_400 }),
      'no id': await token({ jti: undefined }),
      'no event': await token({ events: {} }),
      nonce: await token({ nonce: 'n' }),
      'neither person nor session': await token({ sub: undefined }),
      'type of an access token': await token({}, 'at+jwt'),
      'key of another provider': await token({}, 'logout+jwt', other),
      unsigned: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await token()).split('.')[1]}.`,
      garbage: 'x',
    };
    await other.stop();
    for (const [what, one] of Object.entries(wrong))
      expect([what, await outcomeOf(send(one))]).toEqual([what, 'logout-token-invalid']);
    const stranger = { ...sso.owner, accountId: user.userId };
    expect(await outcomeOf(send(await token(), stranger))).toBe('logout-token-invalid');
    expect(await open()).toContain(session);
  });
});

describe('universal logout', () => {
  const audience = () => `${ORIGIN}/v1/auth/sso/${sso.owner.accountId}/global-token-revocation`;
  const token = (more: object = {}, typ = 'global-token-revocation+jwt') =>
    sso.provider.sign(claims({ aud: audience(), sub: CLIENT_ID, ...more }), { typ });
  const send = async (subject: SubjectIdentifier, given?: string) => {
    const { accountId } = sso.owner;
    const request = { accountId, audience: audience(), subject, token: given ?? (await token()) };
    return identity.client.ask(endSsoSessionsOf, request);
  };

  it('ends all sessions of a person by subject or address, however they have begun', async () => {
    await signIn('a');
    await send({ format: 'iss_sub', iss: sso.provider.issuer, sub: person.sub });
    expect(await open()).toEqual([]);
    await signIn('b');
    await send({ format: 'email', email: person.email.toUpperCase() });
    expect(await open()).toEqual([]);
    expect(await endings()).toEqual(Array(2).fill(['system (sso)', user.userId]));
  });

  it('of nobody here is answered so', async () => {
    await signIn('a');
    for (const subject of [
      { format: 'email', email: 'nobody@example.org' },
      { format: 'iss_sub', iss: sso.provider.issuer, sub: 'somebody-else' },
      { format: 'iss_sub', iss: 'https://accounts.example.org', sub: person.sub },
    ] as const)
      expect(await outcomeOf(send(subject))).toBe('not-found');
    expect(await outcomeOf(send({ format: 'iss_sub', sub: person.sub }))).toBe('validation');
    expect(await outcomeOf(send({ format: 'email' }))).toBe('validation');
  });

  it('needs a token of the provider for this endpoint', async () => {
    const session = await signIn('a');
    const subject = { format: 'email', email: person.email } as const;
    for (const given of [
      await token({ aud: CLIENT_ID }),
      await token({ iss: 'https://accounts.example.org' }),
      await token({ jti: undefined }),
      await token({}, 'JWT'),
      'x',
    ])
      expect(await outcomeOf(send(subject, given))).toBe('unauthenticated');
    expect(await open()).toContain(session);
    const used = await token();
    await send(subject, used);
    const next = await signIn('b');
    await send(subject, used);
    expect(await open()).toEqual([next]);
  });
});
