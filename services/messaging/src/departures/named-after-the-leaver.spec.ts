import { createHash } from 'node:crypto';
import { foldCase } from '#libs/contracts';
import { RuleBench, type Person } from '#libs/lifecycle/testing';
import { Chatbot } from '../chatbot/chatbot.entity.js';
import { Inbox } from '../inbox/inbox.entity.js';
import { entities, migrations } from '../messaging.module.js';
import { Webform } from '../webform/webform.entity.js';
import { messagingRules } from './messaging.rules.js';
import { NamedAfterTheLeaver } from './named-after-the-leaver.js';

describe('names and addresses of a leaver', () => {
  let bench: RuleBench;
  let leaver: Person;
  let colleague: Person;
  beforeAll(async () => {
    bench = await RuleBench.open({
      name: 'messaging',
      entities,
      rules: messagingRules,
      migrations,
      forgetting: new NamedAfterTheLeaver(),
    });
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    leaver = await bench.person();
    colleague = await bench.person({ accountId: leaver.accountId });
  });

  const digestOf = (salt: string, identifier: string) =>
    createHash('sha256')
      .update(`${salt}:${foldCase(identifier)}`)
      .digest('hex');
  const leave = (transition: 'deactivated' | 'deleted', address = 'robin@example.com', former: string[] = []) => {
    const [id, transferId] = [bench.ids.next(), bench.ids.next()];
    bench.addresses.digests.set(id, digestOf(id, address));
    const [first, ...rest] = former;
    bench.addresses.others.set(id, [
      { salt: id, digests: rest.map((identifier) => digestOf(id, identifier)) },
      { salt: transferId, digests: first === undefined ? [] : [digestOf(transferId, first)] },
    ]);
    return bench.processor.apply([bench.leaving(leaver, transition, {}, { departure: { id, hasAddress: true } })]);
  };
  const rowOf = ({ accountId }: Person) => ({ id: bench.ids.next(), accountId, createdAt: bench.clock.now() });

  it('are removed from personal inboxes by a deletion, not by a deactivation', async () => {
    const em = bench.em();
    em.create(Inbox, { ...rowOf(leaver), kind: 'personal', name: 'Robin’s inbox', ownerId: leaver.userId });
    em.create(Inbox, { ...rowOf(leaver), kind: 'personal', name: 'Direct line', ownerId: colleague.userId });
    em.create(Inbox, { ...rowOf(leaver), kind: 'shared', name: 'Support' });
    await em.flush();
    const names = async () =>
      (await bench.em().find(Inbox, { accountId: leaver.accountId })).map(({ name }) => name).sort();
    await leave('deactivated');
    expect(await names()).toEqual(['Direct line', 'Robin’s inbox', 'Support']);
    await leave('deleted');
    expect(await names()).toEqual(['Direct line', 'Personal inbox', 'Support']);
  });

  it.each([
    ['chatbots', Chatbot],
    ['web forms', Webform],
  ] as const)(
    'are removed from all %s of the account, also of other users; other addresses stay',
    async (_, entity) => {
      const em = bench.em();
      const stranger = await bench.person();
      const addressed = (person: Person, email: string | null) =>
        em.create(entity, { ...rowOf(person), name: 'Welcome', userId: person.userId, email });
      const rows = [
        addressed(leaver, 'Robin@Example.com'),
        addressed(colleague, 'robin@example.com'),
        addressed(colleague, 'sales@example.com'),
        addressed(stranger, 'robin@example.com'),
      ];
      await em.flush();
      await leave('deleted');
      const left = await bench.em().find(entity, { id: { $in: rows.map(({ id }) => id) } }, { orderBy: { id: 'asc' } });
      expect(left.map(({ email }) => email)).toEqual([null, null, 'sales@example.com', 'robin@example.com']);
    },
  );

  it('are removed in any letter case, former ones too', async () => {
    const em = bench.em();
    const written = ['νικος@example.com', 'i\u0307PEK@example.com', 'Robin@before.example', 'ipek@example.com'];
    const rows = written.map((email) =>
      em.create(Chatbot, { ...rowOf(leaver), name: 'Welcome', userId: colleague.userId, email }),
    );
    await em.flush();
    await leave('deleted', 'ΝΙΚΟΣ@example.com', ['İpek@example.com', 'robin@BEFORE.example']);
    const left = await bench.em().find(Chatbot, { id: { $in: rows.map(({ id }) => id) } }, { orderBy: { id: 'asc' } });
    expect(left.map(({ email }) => email)).toEqual([null, null, null, 'ipek@example.com']);
  });
});
