import type { Principal } from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { sql } from 'kysely';
import { AutomationsModule, migrations } from '../automations.module.js';

/** Starts the service; tests call it as the gateway does. */
export const startAutomations = () =>
  TestService.start({ name: 'automations', module: AutomationsModule, migrations, identity: true });

/** The event about the user's return arrives. */
export const returns = (automations: TestService, { userId }: Principal) =>
  sql`update directory set status = 'active', lifecycle_version = lifecycle_version + 1 where user_id = ${userId}`.execute(
    automations.em().getKysely(),
  );

/** Changes a user's status in the directory only; no departure runs. */
export async function leaves(
  automations: TestService,
  { userId }: Principal,
  status: 'active' | 'deactivated' | 'deleted',
) {
  const name = status === 'deleted' ? sql`null` : sql`name`;
  await sql`update directory set status = ${status}, name = ${name} where user_id = ${userId}`.execute(
    automations.em().getKysely(),
  );
}
