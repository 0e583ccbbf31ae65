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

/** Nothing goes on running on behalf of somebody who has left. */
const ownedAutomations = rule('automations.owned', 'Automations', {
  rows: owned(Automation, 'ownerId'),
  deactivated: can(disable({ active: false }), transfer),
});

/** They stay active for the others; a run for the leaver ends at user status validation. */
const selectedTriggers = rule('automations.selected-triggers', 'Triggers that name the user', {
  rows: owned(AutomationTriggerUser, 'userId'),
  deactivated: can(keep, remove),
  deleted: can(keep, remove),
  warning: true,
  explain: ({ action, count }) =>
    action === 'keep'
      ? `${count === 1 ? '1 automation is' : `${count} automations are`} triggered by this user among others selected, ` +
        'and each run for them will be terminated. We recommend taking the user out of the trigger.'
      : undefined,
});

const excludeLeaver = exclude({ entity: AutomationExclusion, row: 'automationId', person: 'userId' });

/**
 * They stay active for everybody else. The rule speaks of all that meant the leaver when they left, resting ones among
 * them: those may be activated again.
 */
const anyTriggers = rule('automations.any-triggers', 'Automations for any user', {
  rows: ofAccount(Automation, { triggerKind: 'any' }, sql`t.any_since <= l.left_at`),
  deactivated: always(excludeLeaver),
  deleted: always(excludeLeaver),
});

/** They keep running: a turn of the leaver's fails at the status check and is recorded, and the next is somebody else's. */
const assignmentRules = rule('automations.assignment-rules', 'Assignment rules that name the user', {
  rows: owned(AssignmentRuleMember, 'userId'),
  deactivated: can(keep, remove),
  deleted: can(keep, remove),
  warning: true,
  explain: ({ action, count }) =>
    action === 'keep'
      ? `${count === 1 ? '1 assignment rule goes' : `${count} assignment rules go`} on taking turns with this user, ` +
        'and each of their turns will fail. We recommend taking the user out of the rule.'
      : undefined,
});

/** What happens to the automations of somebody who leaves, in this order. */
export const automationsRules: readonly Rule[] = [ownedAutomations, selectedTriggers, anyTriggers, assignmentRules];
