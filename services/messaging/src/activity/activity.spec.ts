import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  activityLines,
  campaigns,
  messageActivity,
  messageCompose,
  messageInbound,
  type ActivityQuery,
  type Message,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { AddressBook } from '../testing/address-book.js';
import { departs } from '../testing/departures.js';
import { startMessaging } from '../testing/messaging.js';
import { csvLine } from '#libs/csv';

describe('message activity', () => {
  let messaging: TestService;
  let contacts: AddressBook;
  let robin: Principal;
  let kim: Principal;
  let owner: Principal;
  let teamId: string;
  beforeAll(async () => {
    messaging = await startMessaging({ identity: true });
    contacts = await AddressBook.open(messaging);
  });
  afterAll(async () => {
    await contacts.close();
    await messaging.stop();
  });
  beforeEach(async () => {
    owner = await messaging.person({ roles: ['owner'] });
    const { accountId } = owner;
    robin = await messaging.person({ accountId });
    kim = await messaging.person({ accountId, name: 'Kim Example' });
    teamId = messaging.ids.next();
    await sql`update directory set team_ids = ${[teamId]}::uuid[] where user_id = ${kim.userId}`.execute(
      messaging.em().getKysely(),
    );
  });
  const report = (query: ActivityQuery = {}) => messaging.call(owner, messageActivity, { query });
  const lines = async (filter: ActivityQuery = {}, after: string | null = null) =>
    messaging.client.ask(activityLines, { accountId: owner.accountId, filter, after });
  /** Sends a message to `count` contacts, and waits until the sandbox has delivered all. */
  async function send(who: Principal, count: number): Promise<Message[]> {
    const before = (await report()).delivered;
    const contactIds = Array.from({ length: count }, () => contacts.add(owner.accountId));
    const { items } = await messaging.call(who, messageCompose, { body: { contactIds, text: 'Hello' } });
    await eventually(async () => (await report()).delivered === before + count);
    return items;
  }
  const answer = ({ inboxId, contactId }: Message) =>
    messaging.call(owner, messageInbound, { body: { inboxId, contactId, text: 'Yes' } });

  it('counts sent, delivered and answered messages per user and in total', async () => {
    const [first] = await send(kim, 2);
    await send(robin, 1);
    await answer(first!);
    await answer(first!);
    const { users, ...total } = await report();
    expect(total).toEqual({ sent: 3, delivered: 3, replied: 1, deliveryRate: 1, replyRate: 1 / 3 });
    expect(users).toEqual([
      { user: { id: kim.userId, name: 'Kim Example', status: 'active' }, sent: 2, delivered: 2, replied: 1 },
      { user: { id: robin.userId, name: 'Robin Example', status: 'active' }, sent: 1, delivered: 1, replied: 0 },
    ]);
  });

  it('counts a message for the teams that its sender has at the moment, also before the directory knows', async () => {
    const joined = messaging.ids.next();
    await messaging.identity.knows(kim, { teamIds: [joined] });
    const { accountId } = owner;
    const at = new Date(messaging.clock.millis() + 60_000).toISOString();
    await send(kim, 1);
    const body = { contactIds: [contacts.add(accountId)], text: 'Hello', at };
    const scheduled = await messaging.call(kim, messageCompose, { body });
    const campaign = await messaging.call(kim, campaigns.create, { body: { name: 'News', text: 'Hello', at } });
    expect([(await report({ teamId: joined })).sent, (await report({ teamId })).sent]).toEqual([1, 0]);
    const { rows } = await sql<{ team_ids: string[] }>`
      select team_ids from scheduled_message where id = ${scheduled.scheduled[0]!.id}
      union all select team_ids from campaign where id = ${campaign.id}`.execute(messaging.em().getKysely());
    expect(rows).toEqual([{ team_ids: [joined] }, { team_ids: [joined] }]);
  });

  it('counts messages for the teams in the directory while identity does not answer', async () => {
    await messaging.identity.close();
    await send(kim, 1);
    expect((await report({ teamId })).sent).toBe(1);
  });

  it('is all zero if nothing was sent', async () => {
    expect(await report()).toEqual({ sent: 0, delivered: 0, replied: 0, deliveryRate: 0, replyRate: 0, users: [] });
  });

  it('can be limited to a period and to a team', async () => {
    const start = messaging.clock.now().toISOString();
    await send(kim, 2);
    messaging.clock.advanceDays(1);
    const between = messaging.clock.now().toISOString();
    await send(robin, 1);
    expect(await report({ from: start, to: between })).toMatchObject({ sent: 2, delivered: 2 });
    expect(await report({ from: between })).toMatchObject({ sent: 1 });
    expect(await report({ to: start })).toMatchObject({ sent: 0 });
    expect(await report({ teamId })).toMatchObject({ sent: 2, users: [{ user: { id: kim.userId } }] });
  });

  it.each(['crm', 'helpdesk', 'texting', 'calls'] as const)(
    'has the same totals after a deletion, without the line of the deleted user, with the preset %s',
    async (preset) => {
      const [first] = await send(kim, 3);
      await send(robin, 4);
      await answer(first!);
      const totals = async (query: ActivityQuery = {}) => {
        const { users, ...total } = await report(query);
        return { total, people: users.map(({ user }) => user.id) };
      };
      const [before, ofTeam, exported] = [await totals(), await totals({ teamId }), (await lines()).lines];
      await departs(messaging, kim, 'deactivated', { preset });
      expect(await totals()).toEqual(before);
      await departs(messaging, kim, 'deleted', { preset });
      expect(await totals()).toEqual({ ...before, people: [robin.userId] });
      expect(await totals({ teamId })).toEqual({ ...ofTeam, people: [] });
      const after = (await lines()).lines;
      expect(after).toBe(exported.replaceAll('Kim Example', 'Deleted user'));
      expect(after.match(/Deleted user/g)!.length).toBe(3);
    },
  );

  it('is exported with one line per message, over all pages', async () => {
    const [message] = await send(kim, 1);
    await answer(message!);
    const { lines: text, next } = await lines();
    expect(next).toBeNull();
    const [heading, line] = text.split('\r\n');
    expect(heading).toBe('messageId,sentAt,deliveredAt,repliedAt,userId,user,inboxId,contactId');
    const time = '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z';
    const { id, inboxId, contactId } = message!;
    expect(line).toMatch(
      new RegExp(`^${id},${time},${time},${time},${kim.userId},Kim Example,${inboxId},${contactId}$`),
    );
    const total = 1_050;
    await sql`
      insert into message_activity (id, account_id, message_id, kind, user_id, team_ids, inbox_id, contact_id, sent_at, at)
      select gen_random_uuid(), ${owner.accountId}, gen_random_uuid(), 'sent', ${kim.userId}, '{}', ${inboxId}, ${contactId},
        ${messaging.clock.now()}, ${messaging.clock.now()} from generate_series(2, ${total})`.execute(
      messaging.em().getKysely(),
    );
    const one = await lines();
    const two = await lines({}, one.next);
    const ids = (one.lines + two.lines)
      .split('\r\n')
      .slice(1, -1)
      .map((row) => row.slice(0, 36));
    expect([two.next, new Set(ids).size, ids.length]).toEqual([null, total, total]);
  });

  it('is exported so that spreadsheets do not interpret names as formulas', () => {
    expect(csvLine(['=HYPERLINK("x")', '+1', '-1', '@a', '\tb', 'a, b', 'plain'])).toBe(
      `"'=HYPERLINK(""x"")",'+1,'-1,'@a,'\tb,"a, b",plain\r\n`,
    );
  });

  it('does not include other accounts', async () => {
    await send(kim, 1);
    const stranger = await messaging.person({ roles: ['owner'] });
    expect(await messaging.call(stranger, messageActivity)).toMatchObject({ sent: 0, users: [] });
  });
});
