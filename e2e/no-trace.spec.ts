import type { CatalogueRule } from '#libs/contracts';
import { connectNats } from '#libs/broker';
import { eventually } from '#libs/test-kit';
import { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { Api, type Json } from './support/api.js';
import { anAccount, contactsCsv, PASSWORD, signIn, type Cast } from './support/cast.js';
import { over, type Departure } from './support/departures.js';
import { everythingOf, type Everything, type Stranger } from './support/everything.js';
import { PARTICIPANTS, PARTS } from './support/foundation.js';
import { aRenamedPerson, SPELLED } from './support/renamed-person.js';
import { ENTERPRISE, ScimApi, USER } from './support/scim-api.js';
import { Routes } from './security/routes.js';
import { story } from './support/story.js';
import { System } from './support/system.js';
import { traces } from './support/observers/traces.js';

const person = {
  given: 'Zebulonia',
  family: 'Quixworthy',
  middle: 'Ottilka',
  name: 'Zebulonia Quixworthy',
  email: 'zq.letterbox@mailzq.example',
  staffId: 'Staff Zq/4711',
  userName: 'zqlogin@directory.example',
  externalId: 'ext-zq-0815',
  phone: '+14155550177',
  device: 'ZqBrowser/7.1',
  reason: 'Zq moves to the sea',
  hold: 'Zq against the company',
};
/** The details to search for. Parts of them are found even if the whole was changed. */
const DETAILS = [
  person.given,
  person.family,
  person.middle,
  person.email,
  'zq.letterbox',
  person.staffId,
  person.userName,
  person.externalId,
  person.phone,
  '4155550177',
  person.device,
  person.reason,
  person.hold,
];

let system: System;
let cast: Cast;
let leaver: Stranger;
let had: Everything;

const owner = () => cast.owner.api;
const ownerAgain = async () => (cast.owner.api = await signIn(system, cast.owner.email));
const importContacts = () =>
  owner().upload<{ unmatched: Json[] }>('/v1/contact-imports', contactsCsv([leaver, cast.cleo], 6));

beforeAll(async () => {
  system = await System.start();
  cast = await anAccount(system, 'crm');
  leaver = { ...person, id: '', api: system.api() };
  // The import is created before the user.
  expect((await importContacts()).unmatched).toContainEqual({ row: 1, value: person.staffId });
  await provision();
  await eventually(async () => expect((await importContacts()).unmatched).toEqual([]));
  await mention();
  had = await everythingOf(cast, leaver, system.clock.millis(), await Routes.of(system.url));
}, 120_000);
afterAll(() => system?.stop());

/** Creates the user through SCIM. An identity provider sends more details than are stored. */
async function provision(): Promise<void> {
  const scim = await ScimApi.connect(system, owner());
  const { body } = await scim.post('/Users', {
    schemas: [USER, ENTERPRISE],
    userName: person.userName,
    externalId: person.externalId,
    name: { givenName: person.given, middleName: person.middle, familyName: person.family },
    displayName: person.name,
    emails: [{ value: person.email, type: 'work', primary: true }],
    phoneNumbers: [{ value: person.phone, type: 'mobile' }],
    password: PASSWORD,
    active: true,
    [ENTERPRISE]: { employeeNumber: person.staffId },
  });
  leaver.id = body.id as string;
  await owner().patch(`/v1/users/${leaver.id}`, { roles: ['admin'], teamIds: [cast.teamId] });
  await scim.find('Users', `userName eq "${person.userName}"`);
  const login = { email: person.email, password: PASSWORD };
  const headers = { 'content-type': 'application/json', 'user-agent': person.device };
  const session = await fetch(`${system.url}/v1/auth/login`, { method: 'POST', headers, body: JSON.stringify(login) });
  leaver.api = new Api(system.url, ((await session.json()) as Json).accessToken as string);
  await ScimApi.madeBy(system, cast.owner, leaver);
}

/** Makes requests that mention the person; some of them are refused. */
async function mention(): Promise<void> {
  const { id, name, email, staffId } = leaver;
  const hold = `/v1/users/${id}/legal-hold`;
  await owner().put(hold, { reason: person.hold });
  await owner().delete(hold);
  await owner().get(`/v1/users?q=${encodeURIComponent(name)}`);
  const twin = { name, email, staffId, password: PASSWORD };
  expect(await owner().refusal(owner().post('/v1/users', twin))).toMatchObject({ code: 'duplicate-email' });
  await owner().refusal(owner().post('/v1/users', { ...twin, email: `${name}@@` }));
  await owner().refusal(signIn(system, email, 'wrong password'));
  const headers = { 'content-type': 'application/json', 'idempotency-key': `reset ${email}` };
  const reset = `${system.url}/v1/auth/password-reset`;
  for (const _twice of [1, 2])
    expect((await fetch(reset, { method: 'POST', headers, body: JSON.stringify({ email }) })).status).toBe(202);
  await sendGarbled(`user.updated.${(await owner().get('/v1/account')).id as string}.${id}`, `{"name":"${name}",`);
}

/** Publishes a message that no service can decode. All of them store it as a dead letter. */
async function sendGarbled(subject: string, text: string): Promise<void> {
  const nats = await connectNats({ url: system.brokerUrl('identity-streams'), name: 'garbled' });
  nats.publish(subject, text);
  await nats.close();
  for (const { name } of PARTS.filter((part) => part.name !== 'identity')) {
    const db = system.services.get(name)!.app.get(EntityManager, { strict: false }).fork().getKysely();
    await eventually(async () =>
      expect((await sql`select 1 from dead_letter where subject = ${subject}`.execute(db)).rows).toHaveLength(1),
    );
  }
}

describe('a user with rows of every kind', () => {
  const preview = (transition: string) =>
    owner().get<{ rules: { rule: string; count: number }[] }>(
      `/v1/users/${leaver.id}/departure-preview?transition=${transition}`,
    );

  let missing: string[];
  beforeAll(async () => {
    const { items } = await owner().get<{ items: CatalogueRule[] }>('/v1/rules');
    const lines = (await Promise.all(['deactivated', 'deleted'].map(preview))).flatMap(({ rules }) => rules);
    const present = new Set(lines.filter(({ count }) => count > 0).map(({ rule }) => rule));
    missing = items.map(({ id }) => id).filter((id) => !present.has(id));
  });

  it('has rows of every rule of the catalogue', () => {
    expect(missing.map((id) => `${id}: give the leaver such a row in e2e/support/everything.ts`)).toEqual([]);
  });

  const step = story(180_000);

  step('is found in many places while active', async () => {
    expect(await traces(system, DETAILS)).toEqual(
      expect.arrayContaining([
        'identity.users',
        'identity.audit_entry',
        'contacts.contact_import_unmatched',
        'stream USERS',
      ]),
    );
  });

  step(
    'is deactivated by a list of staff ids and deleted by a scheduled departure, with all delayed effects',
    async () => {
      const csv = `staffId,successorStaffId\n"${leaver.staffId}",\nnobody,\n`;
      const { id } = await owner().upload('/v1/departures/bulk?transition=deactivated', csv);
      await eventually(async () =>
        expect(await owner().get(`/v1/departures/bulk/${id as string}`)).toMatchObject({ status: 'completed' }),
      );
      expect((await importContacts()).unmatched).toContainEqual({ row: 1, value: person.staffId });
      system.advanceDays(31);
      await ownerAgain();
      const departure = await owner().post<Departure>(`/v1/users/${leaver.id}/delete`, {
        effectiveAt: new Date(system.clock.millis() + 86_400_000).toISOString(),
        reason: person.reason,
      });
      system.advanceDays(2);
      await ownerAgain();
      await eventually(async () =>
        expect(await owner().get(`/v1/departures/${departure.id}`)).not.toMatchObject({ status: 'scheduled' }),
      );
      expect(await over(owner(), departure)).toMatchObject({
        status: 'completed',
        progress: { done: PARTICIPANTS.length, total: PARTICIPANTS.length },
      });
      system.advanceDays(8);
      await ownerAgain();
      await eventually(async () =>
        expect(await owner().get(`/v1/numbers/${had.numberId}`)).toMatchObject({ state: 'released' }),
      );
    },
  );

  step('is found in no table, stream, bucket or log', async () => {
    await eventually(async () => expect(await traces(system, DETAILS)).toEqual([]));
    // The same search finds the id, which is kept, also in a stream.
    expect(await traces(system, leaver.id)).toEqual(
      expect.arrayContaining(['identity.users', 'messaging.directory', expect.stringMatching(/^stream /)]),
    );
  });

  step('leaves only the account’s number, in the list of numbers and the history of calls', async () => {
    expect((await traces(system, had.e164)).sort()).toEqual(['telephony.phone_call', 'telephony.phone_number']);
  });

  step('cannot be identified by the names of their former rows', async () => {
    expect(await owner().get(`/v1/inboxes/${had.personalInbox}`)).toMatchObject({
      name: 'Personal inbox',
      owner: { name: 'Deleted user' },
    });
    for (const path of [`/v1/chatbots/${had.chatbotId}`, `/v1/webforms/${had.webformId}`])
      expect(await owner().get(path)).toMatchObject({ email: null, userId: cast.owner.id });
    expect(await owner().refusal(system.api().get(had.meetingPage))).toMatchObject({ status: 410, code: 'gone' });
    const again = { slug: had.meetingPage.slice(3), title: 'Somebody else' };
    expect(await owner().refusal(owner().post('/v1/scheduler-links', again))).toMatchObject({ code: 'conflict' });
  });
});

describe('a user who had other names, addresses, user names and staff ids, and was another person', () => {
  let renamed: Awaited<ReturnType<typeof aRenamedPerson>>;

  const step = story();

  step('is named by all of them in the data of the account', async () => {
    renamed = await aRenamedPerson(system, cast);
    expect(await traces(system, SPELLED)).toEqual(
      expect.arrayContaining(['contacts.contact_import_unmatched', 'messaging.chatbot', 'messaging.webform']),
    );
  });

  step('is deleted, and none of them is left in a table, stream, bucket or log', async () => {
    await over(owner(), await owner().post<Departure>(`/v1/users/${renamed.id}/deactivate`));
    const departure = await owner().post<Departure>(`/v1/users/${renamed.id}/delete`);
    expect(await over(owner(), departure)).toMatchObject({ status: 'completed' });
    await eventually(async () => expect(await traces(system, SPELLED)).toEqual([]));
  });

  step('is in no chatbot and web form', async () => {
    for (const path of renamed.mentions) expect(await owner().get(path)).toMatchObject({ email: null });
  });
});
