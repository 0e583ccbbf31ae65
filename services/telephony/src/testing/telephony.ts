import type { Principal } from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { sql } from 'kysely';
import { TelephonyConfig } from '../telephony.config.js';
import { migrations, TelephonyModule } from '../telephony.module.js';

/** Starts the service; tests call it as the gateway does. */
export const startTelephony = () =>
  TestService.start({ name: 'telephony', module: TelephonyModule, migrations, config: TelephonyConfig });

/** Changes a user's status in the directory only; no departure runs. */
export async function becomes(
  telephony: TestService,
  { userId }: Principal,
  status: 'active' | 'deactivated' | 'deleted',
): Promise<void> {
  const name = status === 'deleted' ? sql`null` : sql`name`;
  await sql`update directory set status = ${status}, name = ${name} where user_id = ${userId}`.execute(
    telephony.em().getKysely(),
  );
}
