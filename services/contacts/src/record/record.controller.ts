import { Handles } from '#libs/broker';
import {
  filtersRecords,
  records,
  recordsUpdate,
  type AnswerOf,
  type Call,
  type CallOf,
  type NewCrmRecord,
} from '#libs/contracts';
import { requireReference } from '#libs/database';
import { plainResource } from '#libs/platform';
import { Controller } from '@nestjs/common';
import { Contact } from '../contact/contact.entity.js';
import { findings } from '../filter/findings.js';
import { CrmRecord, type CrmRecordRow } from './record.entity.js';

const base = plainResource(records, {
  entity: CrmRecord,
  shown: ['type', 'title', 'contactId', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
});

@Controller()
export class RecordController extends base {
  override async prepare({ body, principal: { accountId } }: Call): Promise<Partial<CrmRecordRow>> {
    const { type, title, ownerId, contactId = null } = body as NewCrmRecord;
    const detail = 'Name a contact of this account.';
    if (contactId) await requireReference(this.em, { entity: Contact, accountId, id: contactId, detail });
    return { type, title, contactId, ...(ownerId !== undefined && { ownerId }) };
  }

  @Handles(recordsUpdate)
  async update(call: CallOf<typeof recordsUpdate>): Promise<AnswerOf<typeof recordsUpdate>> {
    const { title, ownerId } = call.body;
    const record = await this.find(call);
    await this.directory.requireActive(call.principal.accountId, [ownerId]);
    const given = Object.entries({ title, ownerId }).filter(([, value]) => value !== undefined);
    this.em.assign(record, Object.fromEntries(given));
    await this.em.flush();
    return (await this.present([record], call))[0] as AnswerOf<typeof recordsUpdate>;
  }

  @Handles(filtersRecords)
  async found(call: CallOf<typeof filtersRecords>): Promise<AnswerOf<typeof filtersRecords>> {
    const page = await findings(this, call, CrmRecord);
    return { ...page, items: await this.present(page.items, call) } as AnswerOf<typeof filtersRecords>;
  }
}
