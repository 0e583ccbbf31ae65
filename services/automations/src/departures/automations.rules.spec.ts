import type { EntityManager } from '@mikro-orm/postgresql';
import type { PreviewLine } from '#libs/contracts';
import { preview } from '#libs/lifecycle';
import {
  behavesLikeARule,
  coversEveryPersonalColumn,
  RuleBench,
  type Person,
  type ServiceUnderTest,
} from '#libs/lifecycle/testing';
import { AssignmentRuleController } from '../assignment-rule/assignment-rule.controller.js';
import { AssignmentRule, AssignmentRuleMember } from '../assignment-rule/assignment-rule.entity.js';
import { AutomationController } from '../automation/automation.controller.js';
import { Automation, AutomationTriggerUser } from '../automation/automation.entity.js';
import { entities, migrations } from '../automations.module.js';
import { automationsRules } from './automations.rules.js';
import { kept } from './kept.js';

const WELCOME = { name: 'Welcome', trigger: { kind: 'any' } };

const automations: ServiceUnderTest = { name: 'automations', entities, rules: automationsRules, migrations };

async function anAutomation(em: EntityManager, { accountId }: Person, bench: RuleBench, ownerId = bench.ids.next()) {
  const id = bench.ids.next();
  const trigger = { active: true, triggerKind: 'selected' as const, anySince: null };
  em.create(Automation, { id, accountId, ownerId, name: 'Welcome', ...trigger, createdAt: bench.clock.now() });
  await em.flush();
  return id;
}

const activate = (bench: RuleBench, owner: Person, id: string) =>
  bench.call(AutomationController, 'activate', owner, { params: { id } });

behavesLikeARule(automations, 'automations.owned', {
  row: (em, owner, bench) => anAutomation(em, owner, bench, owner.userId),
  ways: {
    'creating an automation': (bench, owner) => bench.create(AutomationController, owner, WELCOME),
    'activating an automation': {
      given: async (bench, owner) => {
        const answer = await bench.create(AutomationController, owner, { ...WELCOME, active: false });
        return answer.id;
      },
      write: activate,
      maySucceed: true,
    },
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

behavesLikeARule(automations, 'automations.any-triggers', {
  row: (em, { accountId }, bench) => {
    const now = bench.clock.now();
    const meansAny = { active: true, triggerKind: 'any' as const, anySince: now, createdAt: now };
    em.create(Automation, { id: bench.ids.next(), accountId, ownerId: bench.ids.next(), name: 'Welcome', ...meansAny });
  },
  write: (bench, owner) => bench.create(AutomationController, owner, { name: 'Welcome', trigger: { kind: 'any' } }),
});

const aTurn = async (em: EntityManager, { accountId, userId }: Person, bench: RuleBench) => {
  const ruleId = bench.ids.next();
  em.create(AssignmentRule, { id: ruleId, accountId, name: null, lastPosition: null, createdAt: bench.clock.now() });
  await em.flush();
  em.create(AssignmentRuleMember, { id: bench.ids.next(), accountId, ruleId, userId, position: 0 });
};

behavesLikeARule(automations, 'automations.assignment-rules', {
  row: aTurn,
  write: (bench, owner) => bench.create(AssignmentRuleController, owner, { userIds: [owner.userId] }),
});

coversEveryPersonalColumn(automations, kept);

describe('the preview of a departure', () => {
  let bench: RuleBench;
  beforeAll(async () => {
    bench = await RuleBench.open(automations);
  });
  afterAll(() => bench.close());

  const previewed = async (
    { accountId, userId }: Person,
    action: 'keep' | 'remove',
    rule = 'automations.selected-triggers',
  ): Promise<PreviewLine> => {
    const rules = { [rule]: { deactivated: { action } } };
    const request = { accountId, userId, steps: ['deactivated' as const], activeSince: 1, wasManager: false, rules };
    return (await preview(bench.em().getKysely(), bench.rules, request, bench.clock.now()))[0]!;
  };

  it('recommends removing the leaver from the triggers that name them', async () => {
    const leaver = await bench.person();
    expect(await previewed(leaver, 'keep')).not.toHaveProperty('detail');
    const em = bench.em();
    await aSelection(em, leaver, bench);
    await em.flush();
    const recommendation = expect.stringContaining('recommend removing the user');
    expect(await previewed(leaver, 'keep')).toMatchObject({ count: 1, warning: true, detail: recommendation });
    expect(await previewed(leaver, 'remove')).not.toHaveProperty('detail');
  });

  it('recommends removing the leaver from the assignment rules that name them', async () => {
    const leaver = await bench.person();
    const rule = 'automations.assignment-rules';
    expect(await previewed(leaver, 'keep', rule)).not.toHaveProperty('detail');
    const em = bench.em();
    await aTurn(em, leaver, bench);
    await em.flush();
    const recommendation = expect.stringContaining('recommend removing the user');
    expect(await previewed(leaver, 'keep', rule)).toMatchObject({ count: 1, warning: true, detail: recommendation });
    expect(await previewed(leaver, 'remove', rule)).not.toHaveProperty('detail');
  });
});
