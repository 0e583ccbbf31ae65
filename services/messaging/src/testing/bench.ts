import { RequestContext, type EntityManager } from '@mikro-orm/postgresql';
import type { Call } from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import type { Person, RuleBench } from '#libs/lifecycle/testing';
import { Conversation } from '../conversation/conversation.entity.js';
import { Inbox } from '../inbox/inbox.entity.js';

type Controller<B extends object> = new (
  em: EntityManager,
  directory: Directory,
  ids: Ids,
  clock: Clock,
) => { update(call: Call<B>): Promise<unknown> };

/** Calls `update` of a resource's controller as a manager in a separate transaction, like a call from the gateway. */
export function changeAs<B extends object>(
  bench: RuleBench,
  by: Person,
  type: Controller<B>,
  { params, body }: { params: Record<string, string>; body: B },
): Promise<unknown> {
  const em = bench.orm.em as EntityManager;
  const controller = new type(em, new Directory(em), bench.ids, bench.clock);
  const call: Call<B> = { principal: { ...by, roles: ['admin'] }, params, query: {}, body };
  return RequestContext.create(em, () => em.transactional(() => controller.update(call)));
}

/** Creates an unassigned conversation in a shared inbox of the person's account. */
export async function conversationOf(em: EntityManager, { accountId }: Person, bench: RuleBench): Promise<string> {
  const [inboxId, id] = [bench.ids.next(), bench.ids.next()];
  const createdAt = bench.clock.now();
  em.create(Inbox, { id: inboxId, accountId, kind: 'shared', name: 'Support', createdAt });
  await em.flush();
  em.create(Conversation, { id, accountId, inboxId, contactId: bench.ids.next(), status: 'open', createdAt });
  await em.flush();
  return id;
}
