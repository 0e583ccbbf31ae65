import {
  ALL_OPERATIONS,
  authenticate,
  automations,
  contacts,
  confirmNumber,
  confirmRules,
  declareRulesOf,
  directoryLookup,
  mayCall,
  openImport,
  rotateSigningKey,
  sessionSnapshot,
  signingKeys,
  usersDelete,
  withdrawSigningKey,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Occurrences } from '../../services/identity/src/audit/occurrences.js';
import { InboxReads } from '../../services/messaging/src/inbox/inbox-reads.worker.js';
import { permissions } from '../../scripts/lib/nats-users.mjs';
import { anAccount, PASSWORD, type Cast } from '../support/cast.js';
import { PARTS } from '../support/foundation.js';
import { System } from '../support/system.js';
import { footprintOf } from './footprint.js';
import { RawCaller, type Attempt } from './raw-caller.js';

const ASKS = [
  authenticate,
  confirmNumber,
  confirmRules,
  declareRulesOf('contacts'),
  directoryLookup,
  openImport,
  rotateSigningKey,
  sessionSnapshot,
  signingKeys,
  withdrawSigningKey,
];
const CALLS = [...ALL_OPERATIONS.filter(({ custom }) => !custom), ...ASKS];
const AT_ONCE = 20;
/** The broker lets identity publish to every service; here it stands for a broker that was tricked. */
let tricked: RawCaller;
let system: System;
let ours: Cast;
let theirs: Cast;
let ownerToken: string;
let agentToken: string;
let foreignToken: string;
/** Of a session that has ended. */
let endedToken: string;

const tokenOf = async ({ owner: { email } }: Cast, email_ = email) =>
  (await system.api().post<{ accessToken: string }>('/v1/auth/login', { email: email_, password: PASSWORD }))
    .accessToken;

beforeAll(async () => {
  system = await System.start();
  [ours, theirs] = [await anAccount(system, 'crm'), await anAccount(system, 'helpdesk')];
  ownerToken = await tokenOf(ours);
  agentToken = await tokenOf(ours, ours.cleo.email);
  foreignToken = await tokenOf(theirs);
  endedToken = await tokenOf(ours);
  await system.api(endedToken).post('/v1/auth/logout');
  tricked = await RawCaller.connect(system, 'identity');
}, 120_000);
afterAll(async () => {
  await tricked?.close();
  await system?.stop();
});

/** What a service of 0.1 believed: the owner of the account, by name. */
const believed = () => {
  const { acc: accountId, sub: userId } = decodeJwt<{ acc: string }>(ownerToken);
  return { principal: { accountId, userId, roles: ['owner'] }, accountId, userId, params: {}, query: {}, body: {} };
};

/** Tries every call. @returns those with another outcome */
async function outcomesOtherThan(expected: string, attempt: Attempt, calls = CALLS): Promise<string[]> {
  const data = believed();
  const outcomes: string[] = [];
  for (let from = 0; from < calls.length; from += AT_ONCE) {
    const some = calls.slice(from, from + AT_ONCE);
    const tried = some.map(async ({ subject }) => `${subject}: ${await tricked.try(subject, { data, ...attempt })}`);
    outcomes.push(...(await Promise.all(tried)));
  }
  return outcomes.filter((outcome) => !outcome.endsWith(`: ${expected}`));
}

describe('every call', () => {
  let before: Record<string, string>[];
  const footprints = async () =>
    Promise.all(
      [ours, theirs].map(({ owner }) =>
        owner.api.get<{ id: string }>('/v1/account').then(({ id }) => footprintOf(system, id)),
      ),
    );
  beforeAll(async () => {
    // Our own reads and sign-ins are recorded some seconds after them.
    await system.services.get('messaging')!.app.get(InboxReads, { strict: false }).drain();
    await system.services.get('identity')!.app.get(Occurrences, { strict: false }).drain();
    before = await footprints();
  });
  afterAll(async () => {
    expect(await footprints()).toEqual(before);
  });

  it('is refused without a signature, even if the message names a user', async () => {
    expect(await outcomesOtherThan('service-unavailable unsigned', { signedBy: null })).toEqual([]);
    const withToken = { signedBy: null, token: ownerToken };
    expect(await outcomesOtherThan('service-unavailable unsigned', withToken)).toEqual([]);
  });

  it.each([
    ['of a service that nobody knows', { signedBy: 'gateway', as: 'somebody' }, 'unknown-caller'],
    ['of another service under the gateway’s name', { signedBy: 'insights', as: 'gateway' }, 'wrong-signature'],
    ['for another message', { signed: { packet: '{}' } }, 'wrong-signature'],
    ['for another subject', { signed: { subject: 'rpc.identity.other' } }, 'wrong-signature'],
    ['for another token', { signed: { authorization: 'Bearer other' } }, 'wrong-signature'],
    ['that is half a minute old', { signedAt: Date.now() - 31_000 }, 'expired'],
    ['from the future', { signedAt: Date.now() + 3_600_000 }, 'expired'],
  ] as [string, Attempt, string][])('is refused with a signature %s', async (_which, attempt, reason) => {
    const attempts = { ...attempt, token: ownerToken };
    expect(await outcomesOtherThan(`service-unavailable ${reason}`, attempts)).toEqual([]);
  });

  it('is refused if its caller may not make it, also with the token of an owner', async () => {
    for (const signedBy of [...PARTS.map(({ name }) => name), 'operator', 'billing']) {
      const forbidden = CALLS.filter(({ calledBy }) => !mayCall(calledBy, signedBy));
      expect(forbidden.length).toBeGreaterThan(ASKS.length);
      const attempt = { signedBy, token: ownerToken };
      expect(await outcomesOtherThan('service-unavailable not-allowed', attempt, forbidden)).toEqual([]);
    }
  });

  it('that concerns a user is refused without a valid token of one, even if the gateway has signed it', async () => {
    const concerns = CALLS.filter((call) => ('access' in call ? call.access !== 'public' : call.onBehalf));
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    const { payload, kid } = { payload: decodeJwt(ownerToken), kid: headerOf(ownerToken).kid };
    const signed = (claims: object, key = privateKey, header: object = { kid }) =>
      new SignJWT({ ...payload, ...claims }).setProtectedHeader({ alg: 'EdDSA', ...header }).sign(key);
    const tokens: Record<string, string | undefined> = {
      'no token': undefined,
      'a forged token': await signed({}),
      'a token of another key': await signed({}, privateKey, { kid: 'other' }),
      'a token that brings its key': await signed({}, privateKey, { jwk: await exportJWK(publicKey) }),
      'a changed token': ownerToken.replace(
        /\.[^.]+\./,
        (part) => `.${part.slice(1, -1).split('').reverse().join('')}.`,
      ),
      'a token of an ended session': endedToken,
    };
    await eventually(async () => expect((await fetch(`${system.url}/v1/me`, bearer(endedToken))).status).toBe(401));
    for (const [what, token] of Object.entries(tokens))
      expect([what, await outcomesOtherThan('unauthenticated', { token }, concerns)]).toEqual([what, []]);
  });

  it('is accepted once', async () => {
    for (const { subject } of CALLS) {
      // Without a token nothing is changed, whatever the call is.
      const message = tricked.message(subject, { data: believed(), signedBy: 'insights' });
      await tricked.send(message);
      expect([subject, await tricked.send(message)]).toEqual([subject, 'service-unavailable replayed']);
    }
  });

  it('acts for the user of the token and for nobody else', async () => {
    const data = { ...believed(), params: { id: ours.dan.id }, body: {} };
    expect(await tricked.try(usersDelete.subject, { data, token: foreignToken })).toBe('not-found');
    expect(await tricked.try(usersDelete.subject, { data, token: agentToken })).toBe('forbidden');
    expect(await tricked.try(automations.list.subject, { data: { ...data, params: {} }, token: foreignToken })).toBe(
      'ok',
    );
  });
});

describe('a service that was taken over', () => {
  it.each(PARTS.map(({ name }) => name).filter((name) => name !== 'identity'))(
    '%s can act for nobody, and makes no calls but its own',
    async (name) => {
      const caller = await RawCaller.connect(system, name);
      for (const { subject, calledBy } of CALLS) {
        const outcome = await caller.try(subject, { data: believed(), signedBy: name, token: ownerToken });
        if (mayCall(calledBy, name)) continue;
        expect([subject, outcome]).toEqual([
          subject,
          expect.stringMatching(/^(broker|service-unavailable not-allowed)$/),
        ]);
      }
      const other = name === 'insights' ? 'contacts' : 'insights';
      const declaration = { data: { service: other, rules: [] }, signedBy: name };
      expect(await caller.try(declareRulesOf(other).subject, declaration)).toBe('broker');
      // As if the broker had let it through.
      expect(await tricked.try(declareRulesOf(other).subject, declaration)).toBe('service-unavailable not-allowed');
      await caller.close();
    },
    60_000,
  );
});

describe('with CALLS_UNSIGNED=allow, while services of 0.1 run', () => {
  beforeAll(async () => {
    await system.stopOne('contacts');
    await system.startOne('contacts', { CALLS_UNSIGNED: 'allow' });
  });
  afterAll(async () => {
    await system.stopOne('contacts');
    await system.startOne('contacts');
  });

  it('an unsigned call is accepted and counted, one with a wrong signature is not accepted', async () => {
    const { subject } = contacts.list;
    expect(await tricked.try(subject, { data: believed(), signedBy: null })).toBe('ok');
    const wrong = { data: believed(), signedBy: 'insights', as: 'gateway' };
    expect(await tricked.try(subject, wrong)).toBe('service-unavailable wrong-signature');
    const { port } = system.services.get('contacts')!;
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toContain('leaver_calls_unsigned_total 1\n');
    expect(metrics).toContain('leaver_calls_refused_total{reason="wrong-signature"} 1\n');
  });
});

describe('the broker’s permissions', () => {
  const allows = (patterns: readonly string[], subject: string) =>
    patterns.some(
      (pattern) => pattern === subject || (pattern.endsWith('.>') && subject.startsWith(pattern.slice(0, -1))),
    );

  it('let each service publish what the declarations say it calls, and nothing else', () => {
    for (const { name } of PARTS.filter((part) => part.name !== 'identity')) {
      const published = CALLS.filter(({ subject }) => allows(permissions[name]!.publish, subject));
      expect([name, published.map(({ subject }) => subject).sort()]).toEqual([
        name,
        CALLS.filter(({ calledBy }) => mayCall(calledBy, name))
          .map(({ subject }) => subject)
          .sort(),
      ]);
    }
  });
});

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const headerOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { kid: string };
