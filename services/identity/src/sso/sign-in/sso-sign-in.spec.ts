import {
  auditList,
  exchangeBrowserSession,
  invitationsAccept,
  meGet,
  NOBODY,
  ssoLookup,
  usersDeactivate,
  usersSsoLinkRemove,
  usersSuspend,
  type Principal,
} from '#libs/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { Occurrences } from '../../audit/occurrences.js';
import { outcomeOf, type TestIdentity } from '../../testing/identity.js';
import { DOMAIN, SingleSignOn } from '../../testing/single-sign-on.js';

let sso: SingleSignOn;
let identity: TestIdentity;

beforeAll(async () => {
  sso = await SingleSignOn.start();
  ({ identity } = sso);
});
afterAll(() => sso?.stop());
beforeEach(() => sso.anAccount());

const usersNow = async () => {
  const { accountId } = sso.owner;
  return (await identity.query(sql`select id from users where account_id = ${accountId}`)).length;
};
const linksOf = ({ userId }: Pick<Principal, 'userId'>) =>
  identity.query(sql<{ subject: string }>`select subject from sso_link where user_id = ${userId}`);

describe('where a person signs in', () => {
  it('depends on the domain only', async () => {
    const lookUp = (email: string) => identity.call(ssoLookup, { principal: NOBODY, body: { email } });
    const { email } = await identity.aUser(sso.owner, { email: `known@${DOMAIN}` });
    const there = { startUrl: `/v1/auth/sso/${sso.owner.accountId}/start`, enforced: false };
    for (const address of [email!, `nobody@${DOMAIN.toUpperCase()}`]) expect(await lookUp(address)).toEqual(there);
    expect(await lookUp('nobody@example.org')).toEqual({ startUrl: null, enforced: false });
  });
});

describe('a person whom the provider signs in', () => {
  it('is the user with the verified address once, and with the subject from then on', async () => {
    const person = sso.aPerson();
    const known = await identity.aPerson(sso.owner, { email: person.email.toUpperCase() });
    expect((await sso.whoIs(await sso.signIn(person))).userId).toBe(known.userId);
    expect(await linksOf(known)).toEqual([{ subject: person.sub }]);
    const told = await identity.mails(person.email.toUpperCase());
    expect(told).toMatchObject([{ kind: 'sign-in-method-added', method: 'single-sign-on' }]);
    const renamed = { ...person, email: `other@${DOMAIN}` };
    await identity.aPerson(sso.owner, { email: renamed.email });
    expect((await sso.whoIs(await sso.signIn(renamed))).userId).toBe(known.userId);
    // The address of a colleague does not make them the colleague.
    expect(await outcomeOf(sso.signIn(sso.aPerson({ email: person.email })))).toBe('sso-link-required');
  });

  it('has a session that is theirs and a proof only if they have just given one', async () => {
    const person = sso.aPerson();
    await identity.aPerson(sso.owner, { email: person.email });
    const principal = await sso.whoIs(await sso.signIn(person));
    expect((await identity.call(meGet, { principal })).email).toBe(person.email);
    const { items } = await identity.call(auditList, { principal: sso.owner, query: { subjectId: principal.userId } });
    expect(items.map(({ action }) => action)).toEqual(['user.signed-in-with-sso', 'sso.linked', 'user.created']);
    const row = () =>
      identity.query(sql<{ proven: boolean }>`
        select proven_at is not null as proven from session where user_id = ${principal.userId} order by created_at desc`);
    expect((await row())[0]).toEqual({ proven: false });
    sso.provider.changeIdToken = (claims) => ({ ...claims, auth_time: Math.floor(identity.clock.millis() / 1_000) });
    await sso.signIn(person);
    expect((await row())[0]).toEqual({ proven: true });
  });

  it('is nobody without a verified address in a verified domain', async () => {
    const person = sso.aPerson();
    await identity.aPerson(sso.owner, { email: person.email });
    await identity.aPerson(sso.owner, { email: 'contractor@example.org' });
    for (const [more, outcome] of [
      [{ email_verified: false }, 'sso-email-unverified'],
      [{ email_verified: undefined }, 'sso-email-unverified'],
      [{ email: undefined }, 'sso-email-unverified'],
      [{ email: 'contractor@example.org' }, 'sso-not-linked'],
      [{ email: `unknown@${DOMAIN}` }, 'sso-not-linked'],
    ] as const)
      expect([more, await outcomeOf(sso.signIn({ ...person, ...more }))]).toEqual([more, outcome]);
    expect(await identity.query(sql`select * from sso_link where account_id = ${sso.owner.accountId}`)).toEqual([]);
  });

  it('accepts an open invitation', async () => {
    const person = sso.aPerson();
    const invited = await identity.aUser(sso.owner, { email: person.email, password: undefined });
    const { userId } = await sso.whoIs(await sso.signIn(person));
    expect(userId).toBe(invited.id);
    const body = { token: invited.invitation!.token, password: 'another password' };
    expect(await outcomeOf(identity.call(invitationsAccept, { principal: NOBODY, body }))).toBe('gone');
    const late = sso.aPerson();
    await identity.aUser(sso.owner, { email: late.email, password: undefined });
    identity.clock.advanceDays(8);
    await identity.query(sql`update invitation set expires_at = now() - interval '1 day' where accepted_at is null`);
    expect(await outcomeOf(sso.signIn(late))).toBe('gone');
  });

  it('can be unlinked by a manager, whose next sign-in links them again', async () => {
    const person = sso.aPerson();
    const { userId } = await identity.aPerson(sso.owner, { email: person.email });
    const session = await sso.signIn(person);
    const remove = (principal: Principal) => identity.call(usersSsoLinkRemove, { principal, params: { id: userId } });
    expect(await outcomeOf(remove(await identity.aPerson(sso.owner)))).toBe('forbidden');
    expect(await outcomeOf(remove({ ...sso.owner, sessionId: undefined }))).toBe('step-up-required');
    await remove(sso.owner);
    expect(await identity.client.ask(exchangeBrowserSession, { secret: session.secret! })).toBeNull();
    const another = { ...person, sub: `${person.sub}-again` };
    expect((await sso.whoIs(await sso.signIn(another))).userId).toBe(userId);
    expect(await linksOf({ userId })).toEqual([{ subject: another.sub }]);
  });

  it('cannot be an owner, who links while signed in', async () => {
    const person = sso.aPerson();
    const second = await identity.signedIn(
      await identity.aPerson(sso.owner, { email: person.email, roles: ['owner'] }),
    );
    expect(await outcomeOf(sso.signIn(person))).toBe('sso-link-required');
    sso.provider.person = person;
    expect(await sso.throughProvider(await sso.proof('link', second))).toEqual({ returnTo: '/' });
    expect((await sso.whoIs(await sso.signIn(person))).userId).toBe(second.userId);
  });

  it.each(['deactivated', 'suspended'])(
    'is refused while the user is %s, linked or not, and nothing is left',
    async (state) => {
      const [linked, fresh] = [sso.aPerson(), sso.aPerson()];
      const users = [];
      for (const { email } of [linked, fresh]) users.push(await identity.aPerson(sso.owner, { email }));
      const session = await sso.signIn(linked);
      for (const { userId } of users) {
        if (state === 'suspended') await identity.call(usersSuspend, { principal: sso.owner, params: { id: userId } });
        else await identity.call(usersDeactivate, { principal: sso.owner, params: { id: userId }, body: {} });
      }
      const before = await usersNow();
      for (const person of [linked, fresh]) expect(await outcomeOf(sso.signIn(person))).toBe('account-inactive');
      expect(await identity.client.ask(exchangeBrowserSession, { secret: session.secret! })).toBeNull();
      expect([await usersNow(), await linksOf(users[1]!)]).toEqual([before, []]);
      const open = sql`select id from session where user_id = any(${users.map(({ userId }) => userId)}::uuid[]) and not revoked`;
      expect(await identity.query(open)).toEqual([]);
      await identity.get(Occurrences).drain();
      const { items } = await identity.call(auditList, {
        principal: sso.owner,
        query: { action: 'user.sign-in-failed' },
      });
      const failed = items.map(({ system, subject }) => [system, subject?.id ?? null]);
      expect(failed).toEqual(
        expect.arrayContaining([
          ['system (sso)', users[0]!.userId],
          ['system (sso)', null],
        ]),
      );
    },
  );
});

describe('a person whom nobody has invited', () => {
  it('is created once with the role of the account, if there is a seat', async () => {
    await sso.anAccount('admin', 2);
    const person = sso.aPerson({ name: '  Maya\u0000 Okafor ' });
    sso.provider.person = person;
    const ways = await Promise.all([sso.begin(), sso.begin()]);
    const sessions = await Promise.all(ways.map((way) => sso.throughProvider(way)));
    const [one, other] = await Promise.all(sessions.map((one) => sso.whoIs(one)));
    expect(one!.userId).toBe(other!.userId);
    expect(await identity.call(meGet, { principal: one! })).toMatchObject({
      name: 'Maya  Okafor',
      email: person.email,
      roles: ['admin'],
      status: 'active',
    });
    expect(await outcomeOf(sso.signIn(sso.aPerson()))).toBe('no-free-seat');
    expect(await usersNow()).toBe(2);
  });
});

describe('a proof through the provider', () => {
  let person: ReturnType<SingleSignOn['aPerson']>;
  let user: Principal;
  beforeEach(async () => {
    person = sso.aPerson();
    await identity.aPerson(sso.owner, { email: person.email });
    user = await sso.whoIs(await sso.signIn(person));
    identity.clock.advance(11 * 60_000);
  });
  const isProven = async () =>
    (
      await identity.query(
        sql<{
          n: number;
        }>`select 1 as n from session where id = ${user.sessionId!} and proven_at > ${new Date(identity.clock.millis() - 60_000)}`,
      )
    ).length > 0;

  it('counts if the person has signed in there anew', async () => {
    const way = await sso.proof('step-up', user);
    const asked = new URL(way.url).searchParams;
    expect([asked.get('prompt'), asked.get('max_age')]).toEqual(['login', '0']);
    // The clock of this test is ahead of the provider's.
    sso.provider.changeIdToken = (claims) => ({ ...claims, auth_time: Math.floor(identity.clock.millis() / 1_000) });
    expect(await sso.throughProvider(way)).toEqual({ returnTo: '/' });
    expect(await isProven()).toBe(true);
  });

  it('does not count for an earlier sign-in, or another person', async () => {
    expect(await outcomeOf(sso.proof('step-up', user).then((way) => sso.throughProvider(way)))).toBe('sso-failed');
    const colleague = sso.aPerson();
    await identity.aPerson(sso.owner, { email: colleague.email });
    await sso.signIn(colleague);
    sso.provider.changeIdToken = (claims) => ({ ...claims, auth_time: Math.floor(identity.clock.millis() / 1_000) });
    expect(await outcomeOf(sso.proof('step-up', user).then((way) => sso.throughProvider(way)))).toBe('sso-failed');
    expect(await isProven()).toBe(false);
  });

  it('a link needs one first, and takes nobody else’s person', async () => {
    expect(await outcomeOf(sso.proof('link', user))).toBe('step-up-required');
    const other = await identity.signedIn(await identity.aPerson(sso.owner));
    sso.provider.person = person;
    expect(await outcomeOf(sso.proof('link', other).then((way) => sso.throughProvider(way)))).toBe('conflict');
  });
});
