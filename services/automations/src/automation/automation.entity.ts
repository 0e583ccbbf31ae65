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
    /** When the trigger was set to any user; null when it names selected users. */
    anySince: p.datetime().nullable(),
    createdAt: p.datetime(),
  },
});
export type AutomationRow = InferEntity<typeof Automation>;

/** A user named by a trigger of the kind `selected`. */
export const AutomationTriggerUser = defineEntity({
  name: 'AutomationTriggerUser',
  tableName: 'automation_trigger_user',
  properties: {
    ...tenantRow(),
    automationId: p.uuid(),
    userId: userRef(),
  },
});

/** Excludes a user who has left from an automation for any user. */
export const AutomationExclusion = defineEntity({
  name: 'AutomationExclusion',
  tableName: 'automation_exclusion',
  properties: {
    userId: userRef().primary(),
    automationId: p.uuid().primary(),
    accountId: p.uuid(),
  },
});
