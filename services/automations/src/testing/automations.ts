import type { Principal } from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { sql } from 'kysely';
import { AutomationsModule, migrations } from '../automations.module.js';

/** The service, to be called as the gateway calls it. */
export const startAutomations = () => TestService.start({ name: 'automations', module: AutomationsModule, migrations });

/** Somebody leaves or comes back, as far as the directory is concerned. */
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
