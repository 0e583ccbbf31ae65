import { Handles } from '#libs/broker';
import { filtersRecords, records, type AnswerOf, type Call, type CallOf, type NewCrmRecord } from '#libs/contracts';
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
  refers: { contactId: Contact },
});

@Controller()
export class RecordController extends base {
  override async prepare({ body }: Call): Promise<Partial<CrmRecordRow>> {
    const { type, title, ownerId, contactId = null } = body as NewCrmRecord;
    return { type, title, contactId, ...(ownerId !== undefined && { ownerId }) };
  }

  @Handles(filtersRecords)
  async found(call: CallOf<typeof filtersRecords>): Promise<AnswerOf<typeof filtersRecords>> {
    const page = await findings(this, call, CrmRecord);
    return { ...page, items: await this.present(page.items, call) } as AnswerOf<typeof filtersRecords>;
  }
}
