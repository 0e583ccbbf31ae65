import { sql } from 'kysely';
import {
  always,
  can,
  disable,
  exclude,
  keep,
  ofAccount,
  owned,
  remove,
  rule,
  transfer,
  type Rule,
} from '#libs/lifecycle';
import { AssignmentRuleMember } from '../assignment-rule/assignment-rule.entity.js';
import { Automation, AutomationExclusion, AutomationTriggerUser } from '../automation/automation.entity.js';
import { shown } from './shown.js';

/** No automation may run on behalf of a user who has left. */
const ownedAutomations = rule('automations.owned', 'Automations', {
  rows: owned(Automation, 'ownerId', {}, { shown: shown.automation }),
  deactivated: can(disable({ active: false }), transfer),
});

/** The automations stay active for the other users; a run for the leaver is terminated. */
const selectedTriggers = rule('automations.selected-triggers', 'Triggers that name the user', {
  rows: owned(AutomationTriggerUser, 'userId', {}, { shown: shown.trigger }),
  deactivated: can(keep, remove),
  deleted: can(keep, remove),
  warning: true,
  explain: ({ action, count }) =>
    action === 'keep'
      ? `${count === 1 ? '1 automation is' : `${count} automations are`} triggered by this user, ` +
        'and each run for the user will be terminated. We recommend removing the user from the trigger.'
      : undefined,
});

const excludeLeaver = exclude({ entity: AutomationExclusion, row: 'automationId', person: 'userId' });

/**
 * The automations stay active for all other users. The rule covers every automation that applied to the leaver when
 * they left, including inactive ones, because those may be activated again.
 */
const anyTriggers = rule('automations.any-triggers', 'Automations for any user', {
  rows: ofAccount(Automation, { triggerKind: 'any' }, sql`t.any_since <= l.left_at`, {
    shown: shown.accountAutomation,
  }),
  deactivated: always(excludeLeaver),
  deleted: always(excludeLeaver),
});

/** The rules keep running: each turn of the leaver fails and is recorded, and the next turn goes to another user. */
const assignmentRules = rule('automations.assignment-rules', 'Assignment rules that name the user', {
  rows: owned(AssignmentRuleMember, 'userId', {}, { shown: shown.assignmentRuleMember }),
  deactivated: can(keep, remove),
  deleted: can(keep, remove),
  warning: true,
  explain: ({ action, count }) =>
    action === 'keep'
      ? `${count === 1 ? '1 assignment rule keeps' : `${count} assignment rules keep`} this user, ` +
        'and each of their turns will fail. We recommend removing the user from the rule.'
      : undefined,
});

/** The rules for a leaver's automations, in the order in which they run. */
export const automationsRules: readonly Rule[] = [ownedAutomations, selectedTriggers, anyTriggers, assignmentRules];
