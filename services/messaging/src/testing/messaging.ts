import { conversations, inboxes, type NewConversation, type Principal } from '#libs/contracts';
import { TestService } from '#libs/platform/testing';
import { sql } from 'kysely';
import { MessagingModule, migrations } from '../messaging.module.js';

/** Starts the service; tests call it as the gateway does. */
export const startMessaging = (options: { identity?: boolean } = {}) =>
  TestService.start({ name: 'messaging', module: MessagingModule, migrations, ...options });

/** Creates a conversation in a new shared inbox. */
export async function aConversation(messaging: TestService, by: Principal, more: Partial<NewConversation> = {}) {
  const inbox = await messaging.call(by, inboxes.create, { body: { kind: 'shared', name: 'Support' } });
  const body = { contactId: messaging.ids.next(), inboxId: inbox.id, ...more };
  return messaging.call(by, conversations.create, { body });
}

/** Marks a user as departed in the directory without running any rules. */
export async function leaves(messaging: TestService, { userId }: Principal, status: 'deactivated' | 'deleted') {
  const name = status === 'deleted' ? sql`null` : sql`name`;
  await sql`update directory set status = ${status}, name = ${name} where user_id = ${userId}`.execute(
    messaging.em().getKysely(),
  );
}
