import { can, disable, keep, owned, remove, rule, transfer, type Rule } from '#libs/lifecycle';
import { Automation, AutomationTriggerUser } from '../automation/automation.entity.js';

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

/** What happens to the automations of somebody who leaves, in this order. */
export const automationsRules: readonly Rule[] = [ownedAutomations, selectedTriggers];
