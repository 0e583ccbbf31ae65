import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { TriggerKind } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

export const Automation = defineEntity({
  name: 'Automation',
  tableName: 'automation',
  properties: {
    ...tenantRow(),
    name: p.text(),
    ownerId: userRef(),
    active: p.boolean(),
    triggerKind: p.text().$type<TriggerKind>(),
    /** Since when the trigger has meant any user; null when it means selected ones. */
    anySince: p.datetime().nullable(),
    createdAt: p.datetime(),
  },
});
export type AutomationRow = InferEntity<typeof Automation>;

/** One of the users whom a trigger of the kind `selected` names. */
export const AutomationTriggerUser = defineEntity({
  name: 'AutomationTriggerUser',
  tableName: 'automation_trigger_user',
  properties: {
    ...tenantRow(),
    automationId: p.uuid(),
    userId: userRef(),
  },
});

/** Somebody who has left and for whom an automation for any user does not run. */
export const AutomationExclusion = defineEntity({
  name: 'AutomationExclusion',
  tableName: 'automation_exclusion',
  properties: {
    userId: userRef().primary(),
    automationId: p.uuid().primary(),
    accountId: p.uuid(),
  },
});
