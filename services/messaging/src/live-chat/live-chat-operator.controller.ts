import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { sql, type RawBuilder } from 'kysely';
import { Handles, Prepares } from '#libs/broker';
import {
  isManager,
  liveChatOperatorPut,
  liveChatOperatorRemove,
  liveChatOperators,
  Problem,
  type AnswerOf,
  type Call,
  type CallOf,
  type LiveChatOperator,
} from '#libs/contracts';
import { Clock, Directory, pageWindow, toPage } from '#libs/database';
import { lockRouting, OPEN_CHATS, routeWaiting, STILL_OPERATOR } from './routing.js';

interface OperatorRow {
  id: string;
  available: boolean;
  max_chats: number | null;
  open_chats: string;
  last_chat_at: string | null;
}

/** Available agents for live chats. Users are not available until they, or a manager, declare it. */
@Controller()
export class LiveChatOperatorController {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly clock: Clock,
  ) {}

  @Handles(liveChatOperators)
  async list({ principal, query }: CallOf<typeof liveChatOperators>): Promise<AnswerOf<typeof liveChatOperators>> {
    const { limit, before } = pageWindow(query);
    const { available } = query;
    const rows = await this.operators(sql`o.account_id = ${principal.accountId}
      ${available === undefined ? sql`` : sql`and o.available = ${available}`}
      ${before ? sql`and o.user_id < ${before}` : sql``} order by o.user_id desc limit ${limit + 1}`);
    const page = toPage(rows, query);
    return { ...page, items: await this.shown(page.items) };
  }

  @Prepares(liveChatOperatorPut)
  async lookUp(call: CallOf<typeof liveChatOperatorPut>): Promise<void> {
    const { accountId, userId } = subjectOf(call);
    await this.directory.prepare(accountId, [userId]);
  }

  /** Locks the user, then the account's routing, then the row. Routing uses the same order. */
  @Handles(liveChatOperatorPut)
  async put(call: CallOf<typeof liveChatOperatorPut>): Promise<LiveChatOperator> {
    const { accountId, userId } = subjectOf(call);
    const { available, maxChats = null } = call.body;
    await this.directory.requireActive(accountId, [userId]).catch((error: unknown) => {
      throw error instanceof Problem && error.code === 'unknown-user' ? new Problem('not-found') : error;
    });
    const db = this.em.getKysely();
    await lockRouting(db, accountId);
    await sql`
      insert into chat_operator (user_id, account_id, available, max_chats, lifecycle_version)
      select user_id, account_id, ${available}, ${maxChats}, lifecycle_version from directory where user_id = ${userId}
      on conflict (user_id) do update set available = excluded.available, max_chats = excluded.max_chats,
        lifecycle_version = excluded.lifecycle_version`.execute(db);
    await routeWaiting(db, accountId, this.clock.now());
    return (await this.shown(await this.operators(sql`o.user_id = ${userId}`)))[0]!;
  }

  @Handles(liveChatOperatorRemove)
  async remove(call: CallOf<typeof liveChatOperatorRemove>): Promise<void> {
    const { accountId, userId } = subjectOf(call);
    const { rows } = await sql`
      delete from chat_operator where user_id = ${userId} and account_id = ${accountId} returning 1`.execute(
      this.em.getKysely(),
    );
    if (rows.length === 0) throw new Problem('not-found');
  }

  private async operators(which: RawBuilder<unknown>): Promise<OperatorRow[]> {
    const { rows } = await sql<OperatorRow>`
      select o.user_id as id, o.available, o.max_chats, o.last_chat_at, ${OPEN_CHATS} as open_chats
      from chat_operator o join directory d on ${STILL_OPERATOR} where ${which}`.execute(this.em.getKysely());
    return rows;
  }

  private async shown(rows: readonly OperatorRow[]): Promise<LiveChatOperator[]> {
    const views = await this.directory.views(rows.map((row) => row.id));
    return rows.map((row) => ({
      userId: row.id,
      user: views.get(row.id)!,
      available: row.available,
      maxChats: row.max_chats,
      openChats: Number(row.open_chats),
      lastChatAt: row.last_chat_at && new Date(row.last_chat_at).toISOString(),
    }));
  }
}

/** @throws Problem `forbidden` for another user, unless the caller is a manager */
function subjectOf({ principal, params }: Pick<Call, 'principal' | 'params'>): { accountId: string; userId: string } {
  const userId = params.userId!;
  if (userId !== principal.userId && !isManager(principal)) {
    throw new Problem('forbidden', { detail: 'Only owners and admins can change the availability of other users.' });
  }
  return { accountId: principal.accountId, userId };
}
