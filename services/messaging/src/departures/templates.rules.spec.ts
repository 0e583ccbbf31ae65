import type { EntityManager } from '@mikro-orm/postgresql';
import type { PreviewLine, ResolvedAction, ResolvedRules, Transition } from '#libs/contracts';
import { preview } from '#libs/lifecycle';
import { behavesLikeARule, RuleBench, type Person, type ServiceUnderTest } from '#libs/lifecycle/testing';
import { ChatbotController } from '../chatbot/chatbot.controller.js';
import { Chatbot } from '../chatbot/chatbot.entity.js';
import { CsatController } from '../csat/csat.controller.js';
import { CsatResponse } from '../csat/csat.entity.js';
import { EmailTemplateController } from '../email-template/email-template.controller.js';
import { EmailTemplate } from '../email-template/email-template.entity.js';
import { LinkedEmailController } from '../email/email.controller.js';
import { LinkedEmail } from '../email/email.entity.js';
import { entities, migrations } from '../messaging.module.js';
import { changeAs, conversationOf } from '../testing/bench.js';
import { WebformController } from '../webform/webform.controller.js';
import { Webform } from '../webform/webform.entity.js';
import { messagingRules } from './messaging.rules.js';

const messaging: ServiceUnderTest = { name: 'messaging', entities, rules: messagingRules, migrations };

const rowOf = (bench: RuleBench, { accountId }: Person) => ({
  id: bench.ids.next(),
  accountId,
  createdAt: bench.clock.now(),
});

/** Fields of a chatbot and of a web form. */
const FORM = { name: 'Welcome', email: null as string | null };
const TEXT = { subject: 'Our offer', body: 'As we have agreed' };

const aChatbot = (em: EntityManager, owner: Person, bench: RuleBench, more: Partial<typeof FORM> = {}) =>
  em.create(Chatbot, { ...rowOf(bench, owner), ...FORM, userId: owner.userId, ...more });
const aWebform = (em: EntityManager, owner: Person, bench: RuleBench, more: Partial<typeof FORM> = {}) =>
  em.create(Webform, { ...rowOf(bench, owner), ...FORM, userId: owner.userId, ...more });
const aTemplate = (visibility: 'shared' | 'private') => (em: EntityManager, owner: Person, bench: RuleBench) =>
  em.create(EmailTemplate, { ...rowOf(bench, owner), name: 'Offer', ...TEXT, visibility, ownerId: owner.userId });
const anEmail = (visibility: 'shared' | 'private') => (em: EntityManager, owner: Person, bench: RuleBench) =>
  em.create(LinkedEmail, {
    ...rowOf(bench, owner),
    recordId: bench.ids.next(),
    ...TEXT,
    visibility,
    ownerId: owner.userId,
  });

behavesLikeARule(messaging, 'messaging.chatbots', {
  row: aChatbot,
  ways: {
    'creating one': (bench, owner) => bench.create(ChatbotController, owner, { name: 'Welcome' }),
    'becoming the user of an existing one': {
      given: async (bench, owner) => (await ofColleague(bench, owner, aChatbot)).id,
      write: (bench, owner, id) =>
        changeAs(bench, owner, ChatbotController, { params: { id }, body: { userId: owner.userId } }),
    },
  },
});

behavesLikeARule(messaging, 'messaging.webforms', {
  row: aWebform,
  ways: {
    'creating one': (bench, owner) => bench.create(WebformController, owner, { name: 'Welcome' }),
    'becoming the user of an existing one': {
      given: async (bench, owner) => (await ofColleague(bench, owner, aWebform)).id,
      write: (bench, owner, id) =>
        changeAs(bench, owner, WebformController, { params: { id }, body: { userId: owner.userId } }),
    },
  },
});

async function ofColleague<R>(
  bench: RuleBench,
  { accountId }: Person,
  make: (em: EntityManager, owner: Person, bench: RuleBench) => R,
): Promise<R> {
  const em = bench.em();
  const row = make(em, await bench.person({ accountId }), bench);
  await em.flush();
  return row;
}

for (const [id, visibility] of [
  ['messaging.email-templates', 'shared'],
  ['messaging.private-email-templates', 'private'],
] as const) {
  behavesLikeARule(messaging, id, {
    row: aTemplate(visibility),
    write: (bench, owner) => bench.create(EmailTemplateController, owner, { name: 'Offer', ...TEXT, visibility }),
  });
}

for (const [id, visibility] of [
  ['messaging.linked-emails', 'shared'],
  ['messaging.private-emails', 'private'],
] as const) {
  behavesLikeARule(messaging, id, {
    row: anEmail(visibility),
    write: (bench, owner) =>
      bench.create(LinkedEmailController, owner, { recordId: bench.ids.next(), ...TEXT, visibility }),
  });
}

behavesLikeARule(messaging, 'messaging.csat', {
  row: async (em, owner, bench) => {
    const conversationId = await conversationOf(em, owner, bench);
    em.create(CsatResponse, { ...rowOf(bench, owner), conversationId, score: 5, agentId: owner.userId });
  },
  write: async (bench, owner) => {
    const conversationId = await conversationOf(bench.em(), owner, bench);
    return bench.create(CsatController, owner, { conversationId, score: 5, agentId: owner.userId });
  },
});

/** The default action of each rule. */
const defaults = (...transitions: Transition[]): ResolvedRules =>
  Object.fromEntries(
    messagingRules.map(({ id, choices }) => {
      const actions = transitions.map((transition): [Transition, ResolvedAction] => {
        const { name, days } = choices[transition]!.actions[0]!;
        return [transition, { action: name, ...(days && { days }) }];
      });
      return [id, Object.fromEntries(actions)];
    }),
  );

describe('when a user leaves', () => {
  let bench: RuleBench;
  let admin: Person;
  let leaver: Person;
  beforeAll(async () => {
    bench = await RuleBench.open(messaging);
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    admin = await bench.admin(bench.ids.next());
    leaver = await bench.person({ accountId: admin.accountId });
  });
  const leave = (transition: Transition, lifecycleVersion = 2, activeSince = 1) =>
    bench.processor.apply([
      bench.leaving(leaver, transition, defaults('deactivated', 'deleted'), {
        lifecycleVersion,
        departure: { activeSince },
      }),
    ]);
  const later = async (days: number) => {
    bench.clock.advanceDays(days);
    await bench.scheduled.drain();
  };

  it('the first admin replaces them in chatbots and web forms, and custom addresses stay', async () => {
    const em = bench.em();
    aChatbot(em, leaver, bench, { email: 'sales@example.com' });
    aWebform(em, leaver, bench, { email: 'sales@example.com' });
    await em.flush();
    await leave('deactivated');
    const given = { userId: admin.userId, email: 'sales@example.com' };
    const ofAccount = { accountId: leaver.accountId };
    expect(await bench.em().find(Chatbot, ofAccount)).toMatchObject([given]);
    expect(await bench.em().find(Webform, ofAccount)).toMatchObject([given]);
  });

  it('the preview asks to review the addresses in playbooks and saving preferences', async () => {
    const { accountId, userId } = leaver;
    const rules = defaults('deactivated');
    const request = { accountId, userId, steps: ['deactivated' as const], activeSince: 1, wasManager: false, rules };
    const previewed = async (): Promise<PreviewLine[]> => {
      const lines = await preview(bench.em().getKysely(), bench.rules, request, bench.clock.now());
      return ['messaging.chatbots', 'messaging.webforms'].map((id) => lines.find(({ rule }) => rule === id)!);
    };
    for (const line of await previewed()) expect(line).not.toHaveProperty('detail');
    const em = bench.em();
    aChatbot(em, leaver, bench);
    aChatbot(em, leaver, bench, { email: 'sales@example.com' });
    aWebform(em, leaver, bench);
    await em.flush();
    expect(await previewed()).toMatchObject([
      { count: 2, warning: true, detail: expect.stringMatching(/Review the email address in the playbook.* 1 of 2/) },
      { count: 1, warning: true, detail: expect.stringMatching(/address in the saving preferences.* 0 of 1/) },
    ]);
  });

  it('a deactivation keeps their templates, and a deletion deletes only the private ones', async () => {
    const em = bench.em();
    const [shared] = [aTemplate('shared')(em, leaver, bench), aTemplate('private')(em, leaver, bench)];
    await em.flush();
    const left = () => bench.em().find(EmailTemplate, { ownerId: leaver.userId });
    await leave('deactivated');
    expect(await left()).toHaveLength(2);
    await leave('deleted', 3);
    expect(await left()).toMatchObject([{ id: shared.id, visibility: 'shared' }]);
  });

  describe('emails linked to records', () => {
    beforeEach(async () => {
      const em = bench.em();
      anEmail('shared')(em, leaver, bench);
      anEmail('private')(em, leaver, bench);
      await em.flush();
    });
    const left = async () =>
      (await bench.em().find(LinkedEmail, { ownerId: leaver.userId }, { orderBy: { id: 'asc' } })).map(
        ({ visibility }) => visibility,
      );

    it.each(['deactivated', 'deleted'] as const)(
      'stay if shared, and are deleted after thirty days if private and the owner is %s',
      async (transition) => {
        await leave(transition);
        await later(29);
        expect(await left()).toEqual(['shared', 'private']);
        await later(1);
        expect(await left()).toEqual(['shared']);
      },
    );

    it('are deleted on the day set by the deactivation, even if a deletion follows', async () => {
      await leave('deactivated');
      await later(20);
      await leave('deleted', 3);
      await later(9);
      expect(await left()).toEqual(['shared', 'private']);
      await later(1);
      expect(await left()).toEqual(['shared']);
    });

    it('stay for a user who is reactivated in time; another departure starts a new period', async () => {
      await leave('deactivated');
      await later(29);
      await bench.processor.apply([bench.reactivation(leaver)]);
      await later(10);
      expect(await left()).toEqual(['shared', 'private']);
      await leave('deactivated', 4, 3);
      await later(29);
      expect(await left()).toEqual(['shared', 'private']);
      await later(1);
      expect(await left()).toEqual(['shared']);
    });
  });
});
