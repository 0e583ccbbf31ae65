import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { closeNats, connectNats } from '#libs/broker';
import {
  accountGet,
  autoReplyFor,
  callInbound,
  contactsFor,
  numberIsOwn,
  Problem,
  recordAccess,
  type Call,
  type DataAccess,
  type Preset,
  type Recipient,
  type RecipientsWanted,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';

/** A fake contacts service on the real broker, with the contacts and segments that a test adds. */
export class AddressBook {
  private readonly contacts: (Recipient & { accountId: string })[] = [];
  /** Idempotency keys of the calls that telephony was asked to route. */
  readonly routed: (string | undefined)[] = [];
  private readonly segments = new Map<string, Record<string, unknown>>();

  private constructor(
    private readonly nats: NatsConnection,
    private readonly messaging: TestService,
  ) {}

  static async open(messaging: TestService): Promise<AddressBook> {
    const nats = await connectNats({ url: messaging.broker.url, name: 'address-book' });
    const book = new AddressBook(nats, messaging);
    nats.subscribe(contactsFor.subject, { callback: (_error, message) => book.answer(message) });
    await nats.flush();
    return book;
  }

  /** Also answers for identity: returns the account's preset. */
  async presetIs(preset: Preset): Promise<void> {
    const response = JSON.stringify({ response: { preset }, isDisposed: true, id: '0' });
    this.nats.subscribe(accountGet.subject, { callback: (_error, message) => void message.respond(response) });
    await this.nats.flush();
  }

  /** Also answers for identity and telephony: how contacts of leavers are answered, and which phones are the account's own. */
  async repliesWith(reply: () => { text: string; until: string } | null, own: readonly string[] = []): Promise<void> {
    const answer = (subject: string, response: (data: { e164: string }) => object) =>
      this.nats.subscribe(subject, {
        callback: (_error, message) => {
          const { data } = message.json<{ data: { e164: string } }>();
          message.respond(JSON.stringify({ response: response(data), isDisposed: true, id: '0' }));
        },
      });
    answer(autoReplyFor.subject, () => ({ reply: reply() }));
    answer(numberIsOwn.subject, ({ e164 }) => ({ own: own.includes(e164) }));
    await this.nats.flush();
  }

  /** Also answers for telephony: routes every number to this user or shared inbox, and texts to the owner's inbox. */
  async routesTo(
    userId: string | null,
    {
      inboxId = null,
      inboxOwnerId = userId,
      leaverId = null,
    }: { inboxId?: string | null; inboxOwnerId?: string | null; leaverId?: string | null } = {},
  ): Promise<void> {
    const [user, inboxOwner] = [userId, inboxOwnerId].map((id) => id && { id, name: 'Any user', status: 'active' });
    const response = JSON.stringify({ response: { user, inboxOwner, inboxId, leaverId }, isDisposed: true, id: '0' });
    this.nats.subscribe(callInbound.subject, {
      callback: (_error, message) => {
        this.routed.push(message.json<{ data: Call }>().data.idempotency?.key);
        message.respond(response);
      },
    });
    await this.nats.flush();
  }

  /** Also answers for identity: takes reports of reads. @returns them, as they come */
  async takesReads(): Promise<DataAccess[]> {
    const taken: DataAccess[] = [];
    this.nats.subscribe(recordAccess.subject, {
      callback: (_error, message) => {
        taken.push(...message.json<{ data: { accesses: DataAccess[] } }>().data.accesses);
        message.respond(JSON.stringify({ response: {}, isDisposed: true, id: '0' }));
      },
    });
    await this.nats.flush();
    return taken;
  }

  close(): Promise<void> {
    return closeNats(this.nats);
  }

  add(accountId: string, more: { phone?: string | null; assigneeId?: string } = {}): string {
    const id = this.messaging.ids.next();
    const { phone = '+14155550100', assigneeId = null } = more;
    this.contacts.push({ id, accountId, phone, assigneeId });
    return id;
  }

  segment(definition: Record<string, unknown>): string {
    const id = this.messaging.ids.next();
    this.segments.set(id, definition);
    return id;
  }

  forget(segmentId: string): void {
    this.segments.delete(segmentId);
  }

  private answer(message: Msg): void {
    const { data } = message.json<{ data: RecipientsWanted }>();
    try {
      message.respond(JSON.stringify({ response: this.find(data), isDisposed: true, id: '0' }));
    } catch (error) {
      message.respond(JSON.stringify({ err: (error as Problem).toBody(), isDisposed: true, id: '0' }));
    }
  }

  private find({ accountId, contactIds, segmentId, definition: given, assignee, after, limit }: RecipientsWanted) {
    const definition = segmentId ? this.segments.get(segmentId) : (given ?? null);
    if (definition === undefined) throw new Problem('unknown-reference');
    const found = this.contacts
      .filter((one) => one.accountId === accountId && (!after || one.id > after))
      .filter((one) => !contactIds || contactIds.includes(one.id))
      .filter((one) => !assignee || one.assigneeId === assignee)
      .filter((one) => !definition?.phone || one.phone === definition.phone);
    const contacts = found.slice(0, limit).map(({ id, phone, assigneeId }) => ({ id, phone, assigneeId }));
    return { contacts, next: found.length > limit ? contacts.at(-1)!.id : null, definition };
  }
}
