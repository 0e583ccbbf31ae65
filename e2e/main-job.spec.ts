import { eventually } from '#libs/test-kit';
import type { Json } from './support/api.js';
import {
  anAccount,
  belongings,
  CONTACTS,
  contactsCsv,
  PASSWORD,
  signIn,
  type Belongings,
  type Cast,
} from './support/cast.js';
import { counts, linesOf, over, watch, type Departure } from './support/departures.js';
import { PARTICIPANTS } from './support/foundation.js';
import { story } from './support/story.js';
import { System } from './support/system.js';
import { traces } from './support/observers/traces.js';

const PRESETS = ['crm', 'helpdesk', 'texting', 'calls'] as const;

/** The main use case through the API: Ada is deactivated, reactivated and deleted. */
describe.each(PRESETS)('under preset %s', (preset) => {
  let cast: Cast;
  let had: Belongings;
  let oldToken: string;
  let deactivation: Departure;
  let preview: {
    possible: boolean;
    planToken: string;
    warnings: Json[];
    rules: { rule: string; transition: string; count: number }[];
    successors: Json;
  };

  const owner = () => cast.owner.api;
  const see = (path: string) => owner().get(path);
  const deactivate = async (body: Json = {}) =>
    over(owner(), await owner().post<Departure>(`/v1/users/${cast.ada.id}/deactivate`, body));
  const line = (departure: Departure, rule: string) => linesOf(departure).find((candidate) => candidate.rule === rule)!;

  beforeAll(async () => {
    cast = await anAccount(system, preset);
    const imported = await cast.ada.api.upload(
      '/v1/contact-imports',
      contactsCsv([cast.ada, cast.ben, cast.cleo, cast.dan]),
    );
    expect(imported).toMatchObject({
      status: 'completed',
      created: CONTACTS,
      assigned: CONTACTS,
      unmatched: [],
      rejected: [],
    });
    had = await belongings(cast, PRESETS.indexOf(preset));
    oldToken = (await system.api().post('/v1/auth/login', { email: cast.ada.email, password: PASSWORD }))
      .accessToken as string;
  }, 60_000);

  const step = story(180_000);

  step('previews the deactivation', async () => {
    preview = await owner().get(`/v1/users/${cast.ada.id}/departure-preview?transition=deactivated`);
    expect(preview).toMatchObject({ possible: true, successors: { firstAdminId: cast.owner.id } });
    expect(counts(preview.rules)).toMatchObject({
      'deactivated contacts.assignments': CONTACTS / 4,
      'deactivated contacts.segments': 1,
      'deactivated messaging.live-chats': 3,
      'deactivated messaging.conversations': 2,
      'deactivated messaging.personal-threads messages': 1,
      'deactivated messaging.internal-notes': 2,
      'deactivated telephony.numbers': 1,
      'deactivated automations.owned': 1,
      'deactivated integrations.apps': 1,
      'deactivated integrations.shared-apps': 2,
      'deactivated integrations.webhooks': 1,
      'deactivated insights.shared-dashboards': 1,
      'deactivated insights.public-links': 1,
      'deactivated identity.sessions': 2,
    });
    expect(preview.warnings).toContainEqual(expect.objectContaining({ rule: 'integrations.shared-apps' }));
  });

  step('changes exactly the previewed rows, with live progress and a proof of 0', async () => {
    const accepted = await owner().post<Departure>(`/v1/users/${cast.ada.id}/deactivate`, {
      planToken: preview.planToken,
      reason: 'Moving on',
    });
    expect(accepted).toMatchObject({ userId: cast.ada.id, transition: 'deactivated' });
    const progress = await watch(
      system,
      (await system.api().post('/v1/auth/login', { email: cast.owner.email, password: PASSWORD }))
        .accessToken as string,
      accepted,
    );
    expect(new Set(progress.names)).toEqual(new Set(['rule', 'service', 'departure']));
    deactivation = await over(owner(), accepted);
    expect(deactivation).toMatchObject({
      status: 'completed',
      progress: { done: PARTICIPANTS.length, total: PARTICIPANTS.length },
    });
    expect(counts(linesOf(deactivation))).toEqual(counts(preview.rules));
    expect(linesOf(deactivation).filter((one) => one.remaining !== 0)).toEqual([]);
  });

  step('ends all sessions of the leaver immediately', async () => {
    await eventually(
      async () => expect(await cast.ada.api.refusal(system.api(oldToken).get('/v1/me'))).toMatchObject({ status: 401 }),
      { timeout: 1_000 },
    );
    expect(await cast.ada.api.refusal(signIn(system, cast.ada.email))).toMatchObject({
      status: 401,
      code: 'account-inactive',
    });
    expect(await cast.ada.api.refusal(signIn(system, cast.ada.email, 'wrong password'))).toMatchObject({
      status: 401,
      code: 'invalid-credentials',
    });
  });

  step('has changed all rows as the policy says', async () => {
    const chats = await Promise.all(had.chats.map((id) => see(`/v1/live-chats/${id}`)));
    const kept = preset === 'helpdesk';
    for (const chat of chats)
      expect(chat).toMatchObject(
        kept ? { status: 'open', operatorId: cast.ada.id } : { status: 'queued', operator: null },
      );
    expect(await cast.cleo.api.post(`/v1/live-chats/${had.chats[0]}/take`)).toMatchObject({ operatorId: cast.cleo.id });
    expect(await see(`/v1/conversations/${had.conversations.open}`)).toMatchObject({
      assignee: { id: cast.ada.id, status: 'deactivated' },
    });
    expect(await see(`/v1/internal-notes/${had.notes[0]}`)).toMatchObject({
      text: 'Call back on Monday',
      author: { name: cast.ada.name },
    });
    expect(await see(`/v1/numbers/${had.number}`)).toMatchObject({ state: 'assigned', ownerId: cast.ada.id });
    expect(await see(`/v1/automations/${had.automation}`)).toMatchObject({ active: false });
    expect((await owner().all('/v1/apps')).map((app) => app.id)).toEqual([]);
    expect(await see(`/v1/webhooks/${had.webhook}`)).toMatchObject({ active: false });
    expect(await see(`/v1/dashboards/${had.sharedDashboard}`)).toMatchObject({
      ownerId: cast.owner.id,
      owner: { name: cast.owner.name },
    });
    expect(line(deactivation, 'insights.shared-dashboards')).toMatchObject({
      action: 'transfer',
      transferredTo: cast.owner.id,
    });
    expect(await owner().refusal(see(had.publicUrl))).toMatchObject({ status: 404 });
    expect(await owner().all(`/v1/contacts?assignee=${cast.ada.id}`)).toHaveLength(CONTACTS / 4);
  });

  step('refuses to assign rows to a user who has left', async () => {
    const refused = { status: 422, code: 'inactive-user' };
    expect(
      await owner().refusal(owner().post('/v1/live-chats', { visitor: 'Late', operatorId: cast.ada.id })),
    ).toMatchObject(refused);
    expect(await owner().refusal(owner().post('/v1/dashboards', { name: 'Late', ownerId: cast.ada.id }))).toMatchObject(
      refused,
    );
    expect(
      await owner().refusal(
        owner().post('/v1/conversations/bulk-reassign', { filter: { assigneeId: cast.cleo.id }, to: cast.ada.id }),
      ),
    ).toMatchObject(refused);
  });

  step('reactivates the leaver; old tokens stay invalid', async () => {
    const back = await over(owner(), await owner().post<Departure>(`/v1/users/${cast.ada.id}/reactivate`));
    expect(back).toMatchObject({ transition: 'reactivated', status: 'completed' });
    expect(await see(`/v1/users/${cast.ada.id}`)).toMatchObject({
      status: 'active',
      roles: ['admin'],
      teamIds: [cast.teamId],
    });
    cast.ada.api = await signIn(system, cast.ada.email);
    expect(await cast.ada.api.get('/v1/me')).toMatchObject({ id: cast.ada.id });
    expect(await owner().refusal(system.api(oldToken).get('/v1/me'))).toMatchObject({ status: 401 });
  });

  step('deletes the leaver', async () => {
    const chat = await owner().post('/v1/live-chats', { visitor: 'Again', operatorId: cast.ada.id });
    if (preset === 'crm') {
      expect(await owner().refusal(owner().post(`/v1/users/${cast.ada.id}/delete`))).toMatchObject({
        status: 409,
        code: 'not-deactivated',
      });
      expect(await deactivate()).toMatchObject({ status: 'completed' });
    }
    if (preset === 'calls') {
      expect(await owner().refusal(owner().post(`/v1/users/${cast.ada.id}/delete`))).toMatchObject({
        status: 409,
        code: 'numbers-assigned',
        items: expect.arrayContaining([had.number]),
      });
      await owner().post(`/v1/numbers/${had.number}/reassign`, { userId: cast.ben.id });
    }
    const promised = await owner().get<typeof preview>(`/v1/users/${cast.ada.id}/departure-preview?transition=deleted`);
    const deletion = await over(
      owner(),
      await owner().post<Departure>(`/v1/users/${cast.ada.id}/delete`, { planToken: promised.planToken }),
    );
    expect(deletion).toMatchObject({ status: 'completed', transition: 'deleted' });
    expect(counts(linesOf(deletion))).toEqual(counts(promised.rules));
    expect(linesOf(deletion).filter((one) => one.remaining !== 0)).toEqual([]);
    expect(await see(`/v1/live-chats/${chat.id}`)).toMatchObject({ status: 'queued', operator: null });
  });

  step('shows "Deleted user" instead of the name', async () => {
    expect(await see(`/v1/users/${cast.ada.id}`)).toMatchObject({
      name: 'Deleted user',
      email: null,
      staffId: null,
      status: 'deleted',
    });
    expect(await see(`/v1/internal-notes/${had.notes[1]}`)).toMatchObject({
      text: 'Solved',
      author: { id: cast.ada.id, name: 'Deleted user', status: 'deleted' },
    });
    expect(await see(`/v1/conversations/${had.conversations.closed}`)).toMatchObject({
      assignee: { name: 'Deleted user' },
    });
    expect(await see(`/v1/conversations/${had.conversations.open}`)).toMatchObject({ assignee: null });
    expect(await see(`/v1/automations/${had.automation}`)).toMatchObject({ owner: { name: 'Deleted user' } });
    expect((await owner().all(`/v1/contacts?assignee=${cast.ada.id}`)).length).toBe(
      preset === 'texting' ? 0 : CONTACTS / 4,
    );
    expect(await owner().all(`/v1/messages?inboxId=${had.personalInbox}`)).toHaveLength(preset === 'texting' ? 0 : 1);
    const segment = see(`/v1/segments/${had.segment}`);
    if (preset === 'texting') expect(await owner().refusal(segment)).toMatchObject({ status: 404 });
    else expect(await segment).toMatchObject({ owner: { name: 'Deleted user' } });
  });

  step('keeps the number in quarantine for a week, then releases it', async () => {
    if (preset === 'calls')
      return expect(await see(`/v1/numbers/${had.number}`)).toMatchObject({ ownerId: cast.ben.id, state: 'assigned' });
    expect(await see(`/v1/numbers/${had.number}`)).toMatchObject({ state: 'quarantined', ownerId: null });
    system.advanceDays(8);
    // Sessions have expired by then.
    cast.owner.api = await signIn(system, cast.owner.email);
    await eventually(async () => expect(await see(`/v1/numbers/${had.number}`)).toMatchObject({ state: 'released' }));
    expect(await owner().post('/v1/calls/inbound', { to: had.e164, from: '+14155550100' })).toMatchObject({
      outcome: 'no-longer-in-service',
    });
  });

  step('verifies without findings, and has no trace of the person', async () => {
    cast.owner.api = await signIn(system, cast.owner.email);
    const { id } = await owner().post('/v1/departures/verify');
    const verified = await eventually(async () => {
      const verification = await see(`/v1/departures/verify/${id}`);
      expect(verification.status).toBe('completed');
      return verification;
    });
    expect(verified).toMatchObject({ checked: 1, broken: [] });
    expect(await see('/v1/audit/verify')).toMatchObject({ valid: true });
    // The same search finds users who have stayed.
    const ofOwner = await traces(system, cast.owner.name);
    expect(ofOwner).toEqual(expect.arrayContaining(['identity.users', 'messaging.directory', 'stream USERS']));
    expect(system.logged.length).toBeGreaterThan(0);
    for (const detail of [cast.ada.name, cast.ada.email, cast.ada.staffId])
      expect(await traces(system, detail)).toEqual([]);
  });
});

let system: System;
beforeAll(async () => {
  system = await System.start();
}, 60_000);
afterAll(() => system?.stop());
