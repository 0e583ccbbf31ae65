import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { OPEN_CHATS, routeWaiting, STILL_OPERATOR } from './routing.js';

/**
 * Routes chats that no call routes: those that a departure has returned to the queue, and those that missed an agent
 * who became free at the same moment. Removes agents who have left.
 */
@Injectable()
export class LiveChatRouter extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    context: WorkerContext,
  ) {
    super(context, { name: 'live-chat-routing', wokenBy: ['live_chat', 'chat_operator'] });
  }

  protected async step(): Promise<boolean> {
    await this.removeFormerAgents();
    let routed = 0;
    for (const accountId of await this.accountsToRoute()) {
      routed += await this.em.fork().transactional((em) => routeWaiting(em.getKysely(), accountId, this.clock.now()));
    }
    return routed > 0;
  }

  private async removeFormerAgents(): Promise<void> {
    await sql`
      delete from chat_operator where user_id in (
        select o.user_id from chat_operator o
        where not exists (select 1 from directory d where ${STILL_OPERATOR}) for update skip locked)`.execute(
      this.em.fork().getKysely(),
    );
  }

  /** Accounts in which chats wait and an agent has capacity. */
  private async accountsToRoute(): Promise<string[]> {
    const { rows } = await sql<{ account_id: string }>`
      select distinct o.account_id from chat_operator o join directory d on ${STILL_OPERATOR}
      where o.available and (o.max_chats is null or ${OPEN_CHATS} < o.max_chats)
        and exists (select 1 from live_chat q where q.account_id = o.account_id and q.status = 'queued')`.execute(
      this.em.fork().getKysely(),
    );
    return rows.map((row) => row.account_id);
  }
}
