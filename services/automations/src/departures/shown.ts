import { RIGHTS } from '#libs/contracts';
import { shownAs } from '#libs/lifecycle';
import { sql } from 'kysely';

/** How rows of automations are shown behind the counts of a departure. */
export const shown = {
  automation: shownAs('automation', RIGHTS.automations),
  accountAutomation: shownAs('automation', RIGHTS.automations, { holder: sql`t.owner_id` }),
  trigger: shownAs('automation-trigger', RIGHTS.automations, {
    label: sql`(select o.name from automation o where o.id = t.automation_id)`,
  }),
  assignmentRuleMember: shownAs('assignment-rule-member', RIGHTS['assignment-rules'], {
    label: sql`(select r.name from assignment_rule r where r.id = t.rule_id)`,
  }),
};
