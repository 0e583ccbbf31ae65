import { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { Clock } from '#libs/database';
import { Carrier, type Handover, type Parcel } from './carrier.js';

/** Sends nothing: stores each message in the database and reports it as delivered. */
export class SandboxCarrier extends Carrier {
  override readonly isSandbox = true;

  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {
    super();
  }

  /** Stores nothing if the message has been removed in the meantime. */
  override async hand({ id, inboxId, to, text }: Parcel): Promise<Handover> {
    await sql`
      insert into sandbox_handover (message_id, inbox_id, to_phone, text, handed_at)
      select id, ${inboxId}, ${to}, ${text}, ${this.clock.now()} from message where id = ${id} for key share
      on conflict do nothing`.execute(this.em.fork().getKysely());
    return 'delivered';
  }
}
