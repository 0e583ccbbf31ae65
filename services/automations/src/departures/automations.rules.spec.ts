import { RequestContext, type EntityManager } from '@mikro-orm/postgresql';
import type { PreviewLine } from '#libs/contracts';
import { Directory } from '#libs/database';
import { preview } from '#libs/lifecycle';
import {
  behavesLikeARule,
  coversEveryPersonalColumn,
  RuleBench,
  type Person,
  type ServiceUnderTest,
} from '#libs/lifecycle/testing';
import { AutomationController } from '../automation/automation.controller.js';
import { Automation, AutomationTriggerUser } from '../automation/automation.entity.js';
import { entities } from '../automations.module.js';
import { migrations } from '../migrations/migrations.js';
import { automationsRules } from './automations.rules.js';
import { kept } from './kept.js';

const automations: ServiceUnderTest = { name: 'automations', entities, rules: automationsRules, migrations };

async function anAutomation(em: EntityManager, { accountId }: Person, bench: RuleBench, ownerId = bench.ids.next()) {
  const id = bench.ids.next();
  const trigger = { active: true, triggerKind: 'selected' as const };
  em.create(Automation, { id, accountId, ownerId, name: 'Welcome', ...trigger, createdAt: bench.clock.now() });
  await em.flush();
  return id;
}

/** Switches an automation on, in a transaction of its own. */
function activate(bench: RuleBench, owner: Person, id: string) {
  const em = bench.orm.em as EntityManager;
  const controller = new AutomationController(em, new Directory(em), bench.ids, bench.clock);
  const call = { principal: { ...owner, roles: ['agent'] as const }, params: { id }, query: {}, body: {} };
  return RequestContext.create(em, () => em.transactional(() => controller.activate(call)));
}

behavesLikeARule(automations, 'automations.owned', {
  row: (em, owner, bench) => anAutomation(em, owner, bench, owner.userId),
  // By making an active one, and by activating one that rests.
  write: async (bench, owner) => {
    const body = { name: 'Welcome', trigger: { kind: 'any' } };
    await bench.create(AutomationController, owner, body);
    const { id } = (await bench.create(AutomationController, owner, { ...body, active: false })) as { id: string };
    await activate(bench, owner, id);
  },
});

const aSelection = async (em: EntityManager, owner: Person, bench: RuleBench) => {
  const automationId = await anAutomation(em, owner, bench);
  const { accountId, userId } = owner;
  em.create(AutomationTriggerUser, { id: bench.ids.next(), accountId, automationId, userId });
};

behavesLikeARule(automations, 'automations.selected-triggers', {
  row: aSelection,
  write: (bench, owner) =>
    bench.create(AutomationController, owner, {
      name: 'Welcome',
      trigger: { kind: 'selected', userIds: [owner.userId] },
    }),
});

coversEveryPersonalColumn(automations, kept);

describe('the preview of a departure', () => {
  let bench: RuleBench;
  beforeAll(async () => {
    bench = await RuleBench.open(automations);
  });
  afterAll(() => bench.close());

  const previewed = async ({ accountId, userId }: Person, action: 'keep' | 'remove'): Promise<PreviewLine> => {
    const rules = { 'automations.selected-triggers': { deactivated: { action } } };
    const request = { accountId, userId, steps: ['deactivated' as const], activeSince: 1, wasManager: false, rules };
    return (await preview(bench.em().getKysely(), bench.rules, request, bench.clock.now()))[0]!;
  };

  it('recommends taking the leaver out of the triggers that name them', async () => {
    const leaver = await bench.person();
    expect(await previewed(leaver, 'keep')).not.toHaveProperty('detail');
    const em = bench.em();
    await aSelection(em, leaver, bench);
    await em.flush();
    const recommendation = expect.stringContaining('recommend taking the user out');
    expect(await previewed(leaver, 'keep')).toMatchObject({ count: 1, warning: true, detail: recommendation });
    expect(await previewed(leaver, 'remove')).not.toHaveProperty('detail');
  });
});
