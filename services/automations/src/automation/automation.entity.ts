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
