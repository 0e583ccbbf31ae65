import type { Principal } from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { sql } from 'kysely';
import { migrations, TelephonyModule } from '../telephony.module.js';

/** The service, to be called as the gateway calls it. */
export const startTelephony = () => TestService.start({ name: 'telephony', module: TelephonyModule, migrations });

/** Somebody leaves or comes back, as far as the directory is concerned. */
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
