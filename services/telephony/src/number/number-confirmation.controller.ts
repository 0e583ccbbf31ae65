import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { sql } from 'kysely';
import { Answers } from '#libs/broker';
import { confirmNumber, Problem, type ConfirmedNumber, type NumberToConfirm } from '#libs/contracts';
import { Clock } from '#libs/database';

/** The operator's answer to the question whose number it is, as the carrier has said. */
@Controller()
export class NumberConfirmationController {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /**
   * Idempotent. A number that was confirmed for another account has moved between them: it is no longer confirmed there.
   * @throws Problem `not-found` if the account has no such number in use
   */
  @Answers(confirmNumber, { acrossAccounts: 'A confirmed number is no longer confirmed in other accounts.' })
  confirm(number: NumberToConfirm): Promise<ConfirmedNumber> {
    return this.em.transactional(() => this.record(number));
  }

  private async record({ accountId, e164 }: NumberToConfirm): Promise<ConfirmedNumber> {
    const db = this.em.getKysely();
    // Serializes confirmations of one number, which change rows of different accounts.
    await sql`select pg_advisory_xact_lock(hashtextextended(${`number ${e164}`}, 0))`.execute(db);
    const { numAffectedRows } = await sql`
      update phone_number set verified_at = null
      where e164 = ${e164} and account_id <> ${accountId} and state <> 'released' and verified_at is not null
        and exists (select from phone_number o where o.e164 = ${e164} and o.account_id = ${accountId} and o.state <> 'released')`.execute(
      db,
    );
    const { rows } = await sql<{ id: string; verified_at: string }>`
      update phone_number set verified_at = coalesce(verified_at, ${this.clock.now()})
      where e164 = ${e164} and account_id = ${accountId} and state <> 'released'
      returning id, verified_at`.execute(db);
    const [row] = rows;
    if (!row) throw new Problem('not-found', { detail: 'The account has no such number in use.' });
    return {
      numberId: row.id,
      verifiedAt: new Date(row.verified_at).toISOString(),
      moved: Number(numAffectedRows ?? 0) > 0,
    };
  }
}
