import { Injectable } from '@nestjs/common';
import {
  isManager,
  Problem,
  type ContactToCall,
  type Departure,
  type HandoverPart,
  type HandoverQuery,
  type HandoverReport,
  type Principal,
  type UserView,
} from '#libs/contracts';
import { Directory } from '#libs/database';
import { Catalogue } from '../../catalogue/catalogue.js';
import { ContactsOfLeaver, type FoundContact } from '../plan/preview/contacts-of-leaver.js';
import { DepartureQueries } from '../store/departure-queries.js';
import { handoverLines, type HandoverLine } from './handover-lines.js';
import { ToldContacts } from './told-contacts.js';

/** Who reads, and whose parts. Without `receiverId` all parts, and what concerns no receiver. */
interface Reading {
  byManager: boolean;
  receiverId?: string;
}

/** Reports what users have received from a leaver. */
@Injectable()
export class HandoverReports {
  constructor(
    private readonly departures: DepartureQueries,
    private readonly catalogue: Catalogue,
    private readonly contacts: ContactsOfLeaver,
    private readonly directory: Directory,
    private readonly told: ToldContacts,
  ) {}

  /**
   * @throws Problem `not-found`, also for users who are neither managers nor receivers; `forbidden` for a receiver who asks
   * for the part of another one; `service-unavailable` naming a service that does not answer
   */
  async of(principal: Principal, departureId: string, { receiverId }: HandoverQuery): Promise<HandoverReport> {
    const departure = await this.departures.view(principal.accountId, departureId);
    const catalogue = await this.catalogue.rules();
    const lines = handoverLines(departure, new Map(catalogue.map(({ id, label }) => [id, label])));
    const byReceiver = Map.groupBy(lines, (line) => line.receiverId);
    const reading = readingOf(principal, receiverId, byReceiver);
    const contacts = await this.contactsToCall(principal.accountId, departure, catalogue);
    const receivers = [...byReceiver.keys()].filter((id) => id !== undefined);
    const people = await this.directory.views([departure.userId, ...receivers]);
    const wanted = reading.receiverId === undefined ? receivers : receivers.filter((id) => id === reading.receiverId);
    const parts = wanted.map((id) => partOf(people.get(id)!, byReceiver.get(id)!, { contacts, reading }));
    const { id, userId, transition, status, effectiveAt, completedAt } = departure;
    const forManagers = reading.byManager && reading.receiverId === undefined;
    const contactsTold = forManagers ? await this.told.of(principal.accountId, id) : undefined;
    return {
      departureId: id,
      user: people.get(userId)!,
      ...{ transition, status, effectiveAt, completedAt },
      parts: parts.sort((one, other) => other.affected - one.affected),
      ...(forManagers && {
        checks: (byReceiver.get(undefined) ?? []).flatMap(({ checks }) => checks),
        contacts: contacts.filter(({ assigneeId }) => !receivers.includes(assigneeId ?? '')).map(toCall(reading)),
      }),
      ...(contactsTold && { contactsTold }),
    };
  }

  /** After a take-over the new person answers the contacts, after a reassignment still the user. */
  private async contactsToCall(
    accountId: string,
    { userId, transition }: Departure,
    catalogue: Parameters<ContactsOfLeaver['find']>[0]['catalogue'],
  ): Promise<FoundContact[]> {
    if (transition === 'transferred' || transition === 'reassigned') return [];
    const { contacts } = await this.contacts.find({ accountId, userId, catalogue });
    return contacts.filter(({ name, phone }) => name !== null || phone !== null);
  }
}

function readingOf(
  principal: Principal,
  receiverId: string | undefined,
  byReceiver: ReadonlyMap<string | undefined, unknown>,
): Reading {
  if (isManager(principal)) return { byManager: true, receiverId };
  if (!byReceiver.has(principal.userId)) throw new Problem('not-found', { detail: 'There is no such departure.' });
  if (receiverId !== undefined && receiverId !== principal.userId)
    throw new Problem('forbidden', { detail: 'Receivers read only their own part.' });
  return { byManager: false, receiverId: principal.userId };
}

function partOf(
  receiver: UserView,
  lines: readonly HandoverLine[],
  { contacts, reading }: { contacts: readonly FoundContact[]; reading: Reading },
): HandoverPart {
  const received = lines.flatMap((line) => line.received ?? []);
  return {
    receiver,
    received,
    affected: received.reduce((sum, { affected }) => sum + affected, 0),
    checks: lines.flatMap(({ checks }) => checks),
    contacts: contacts.filter(({ assigneeId }) => assigneeId === receiver.id).map(toCall(reading)),
  };
}

/** When a contact last wrote is known from the personal inbox of the leaver, which receivers may not read. */
const toCall =
  ({ byManager }: Reading) =>
  ({ contactId, name, phone, lastMessageAt }: FoundContact): ContactToCall => ({
    contactId,
    name,
    phone,
    ...(byManager && { lastMessageAt }),
  });
