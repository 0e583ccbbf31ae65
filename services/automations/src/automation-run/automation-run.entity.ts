import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { RunReason, RunStatus } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

/** The result of an automation's run for a user. */
export const AutomationRun = defineEntity({
  name: 'AutomationRun',
  tableName: 'automation_run',
  properties: {
    ...tenantRow(),
    automationId: p.uuid(),
    userId: userRef(),
    status: p.text().$type<RunStatus>(),
    reason: p.text().$type<RunReason>().nullable(),
    createdAt: p.datetime(),
  },
});
export type AutomationRunRow = InferEntity<typeof AutomationRun>;
