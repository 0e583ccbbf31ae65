import type { ResolvedRules } from '#libs/contracts';
import { entities, migrations } from '../../services/automations/src/automations.module.js';
import { automationsRules } from '../../services/automations/src/departures/automations.rules.js';
import { ACCOUNT, personSql } from '../support/people.js';
import type { Scene } from './scene.js';

/** Users per assignment rule. */
const TEAM = 20;

/**
 * 50 rows per user: 20 automations, 10 triggers that name the user, 10 memberships in assignment rules, 10 runs. All but the
 * runs change. The account's five automations for everyone exclude each leaver, which adds five rows per leaver.
 */
export const automations: Scene = {
  parts: { name: 'automations', rules: automationsRules, entities, migrations },
  rows: (people) => [
    `insert into automation (id, account_id, name, owner_id, active, trigger_kind, any_since, created_at)
     select uuidv7(), '${ACCOUNT}', 'For anybody ' || i, ${personSql('0')}, true, 'any', now(), now() from generate_series(1, 5) i`,
    `insert into automation (id, account_id, name, owner_id, active, trigger_kind, created_at)
     select uuidv7(), '${ACCOUNT}', 'Automation ' || i, ${personSql('n')}, true, 'selected', now()
     from generate_series(1, ${people}) n, generate_series(1, 20) i`,
    `insert into automation_trigger_user select uuidv7(), account_id, id, owner_id
     from (select *, row_number() over (partition by owner_id order by id) as i from automation where trigger_kind = 'selected') a
     where a.i <= 10`,
    `insert into automation_run select uuidv7(), account_id, automation_id, user_id, 'completed', null, now() from automation_trigger_user`,
    `insert into assignment_rule select uuidv7(), '${ACCOUNT}', 'Team ' || team, null, now()
     from generate_series(0, ${people} / ${TEAM}) team, generate_series(1, 10)`,
    `insert into assignment_rule_member select uuidv7(), r.account_id, r.id, ${personSql('n')}, n % ${TEAM}
     from generate_series(1, ${people}) n join assignment_rule r on r.name = 'Team ' || n / ${TEAM}`,
  ],
  policy: {
    'automations.selected-triggers': { deactivated: { action: 'keep' }, deleted: { action: 'remove' } },
    'automations.assignment-rules': { deactivated: { action: 'keep' }, deleted: { action: 'remove' } },
  } satisfies ResolvedRules,
  byHand: [
    'update automation set active = false where owner_id = any($1::uuid[]) and active',
    'delete from automation_trigger_user where user_id = any($1::uuid[])',
    `insert into automation_exclusion (user_id, automation_id, account_id)
     select d.user_id, a.id, a.account_id from directory d join automation a on a.account_id = d.account_id
     where d.user_id = any($1::uuid[]) and a.trigger_kind = 'any' and a.any_since <= now() on conflict do nothing`,
    'delete from assignment_rule_member where user_id = any($1::uuid[])',
  ],
  oneUpdate: 'update automation set active = false where owner_id = $1 and active',
};
