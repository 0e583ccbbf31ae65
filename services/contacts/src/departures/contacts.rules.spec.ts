import { RequestContext } from '@mikro-orm/postgresql';
import {
  behavesLikeARule,
  coversEveryPersonalColumn,
  type Person,
  type RuleBench,
  type ServiceUnderTest,
} from '#libs/lifecycle/testing';
import { Contact } from '../contact/contact.entity.js';
import { entities } from '../contacts.module.js';
import { migrations } from '../migrations/migrations.js';
import { SegmentController } from '../segment/segment.controller.js';
import { Segment } from '../segment/segment.entity.js';
import { importerOn } from '../testing/importer.js';
import { contactsRules } from './contacts.rules.js';
import { kept } from './kept.js';

const contacts: ServiceUnderTest = { name: 'contacts', entities, rules: contactsRules, migrations };

/** Imports a contact for the person's staff id. @throws Error when the person did not get it */
async function importFor(bench: RuleBench, { accountId, userId }: Person): Promise<void> {
  const { em, uploads, jobs, reports } = importerOn(bench);
  const uploader = await bench.person({ accountId });
  await RequestContext.create(em, async () => {
    const id = await uploads.open({ accountId, userId: uploader.userId, userIdField: null });
    const file = `ExternalId,StaffId\n${bench.ids.next()},S-${userId.slice(-8)}\n`;
    await uploads.append(id, 0, Buffer.from(file));
    await uploads.close(id);
    await jobs().work(id);
    const { status, assigned } = await reports.one({ id });
    if (status !== 'completed') throw new Error(`the import is ${status}`);
    if (assigned === 0) throw new Error('not assigned');
  });
}

behavesLikeARule(contacts, 'contacts.assignments', {
  row: (em, assignee, bench) =>
    em.create(Contact, {
      id: bench.ids.next(),
      accountId: assignee.accountId,
      externalId: bench.ids.next(),
      assignee: assignee.userId,
      createdAt: bench.clock.now(),
    }),
  write: importFor,
});

behavesLikeARule(contacts, 'contacts.segments', {
  row: (em, owner, bench) =>
    em.create(Segment, {
      id: bench.ids.next(),
      accountId: owner.accountId,
      ownerId: owner.userId,
      name: 'Hot leads',
      definition: { conditions: [] },
      createdAt: bench.clock.now(),
    }),
  write: (bench, owner) => bench.create(SegmentController, owner, { name: 'Hot leads', definition: {} }),
});

coversEveryPersonalColumn(contacts, kept);
