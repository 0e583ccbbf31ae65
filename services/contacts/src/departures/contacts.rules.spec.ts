import { RequestContext, type EntityManager } from '@mikro-orm/postgresql';
import { Problem, RECORD_TYPES, type ImportSourceChanges, type ResolvedRules, type Transition } from '#libs/contracts';
import { type Clock, type Directory, type Ids } from '#libs/database';
import { preview } from '#libs/lifecycle';
import {
  behavesLikeARule,
  coversEveryPersonalColumn,
  RuleBench,
  type Person,
  type ServiceUnderTest,
} from '#libs/lifecycle/testing';
import { Encryption } from '#libs/platform';
import { Contact } from '../contact/contact.entity.js';
import { ContactsConfig } from '../contacts.config.js';
import { entities, migrations } from '../contacts.module.js';
import { FilterController } from '../filter/filter.controller.js';
import { Filter, FilterCondition } from '../filter/filter.entity.js';
import { RecordController } from '../record/record.controller.js';
import { CrmRecord } from '../record/record.entity.js';
import { SegmentController } from '../segment/segment.controller.js';
import { Segment } from '../segment/segment.entity.js';
import { ImportSourceController } from '../import-source/import-source.controller.js';
import { ImportSource } from '../import-source/import-source.entity.js';
import { importerOn } from '../testing/importer.js';
import { CommentController } from '../writing/comment.controller.js';
import { FileController } from '../writing/file.controller.js';
import { NoteController } from '../writing/note.controller.js';
import { AttachedFile, Comment, Note } from '../writing/writing.entity.js';
import { contactsRules } from './contacts.rules.js';
import { kept } from './kept.js';

const contacts: ServiceUnderTest = { name: 'contacts', entities, rules: contactsRules, migrations };

/** Imports a contact for the person's staff id. An import does not fail for a user who has left; it assigns nothing. */
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
    if (assigned === 0) throw new Problem('inactive-user');
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

/** A colleague gives one of their records to the person. */
async function giveRecord(bench: RuleBench, { accountId, userId }: Person): Promise<unknown> {
  const colleague = await bench.person({ accountId });
  const { id } = await bench.create(RecordController, colleague, { type: 'task', title: 'Call' });
  return bench.call(RecordController, 'update', colleague, { params: { id }, body: { ownerId: userId } });
}

for (const type of RECORD_TYPES) {
  behavesLikeARule(contacts, 'contacts.records', {
    part: type,
    selectionOnly: type !== 'lead' && type !== 'task',
    row: (em, owner, bench) =>
      em.create(CrmRecord, {
        id: bench.ids.next(),
        accountId: owner.accountId,
        type,
        title: 'Ten chairs',
        ownerId: owner.userId,
        createdAt: bench.clock.now(),
      }),
    write: (bench, owner) =>
      type === 'task' ? giveRecord(bench, owner) : bench.create(RecordController, owner, { type, title: 'Ten chairs' }),
  });
}

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
  ways: {
    'creating a segment': (bench, owner) =>
      bench.create(SegmentController, owner, { name: 'Hot leads', definition: {} }),
    'getting one from a colleague': {
      given: async (bench, { accountId }) => {
        const colleague = await bench.person({ accountId });
        return (await bench.create(SegmentController, colleague, { name: 'Hot leads', definition: {} })).id;
      },
      write: (bench, { accountId, userId: ownerId }, id) =>
        bench.call(
          SegmentController,
          'update',
          { accountId, userId: bench.ids.next() },
          { params: { id }, body: { ownerId }, roles: ['admin'] },
        ),
    },
  },
});

const aFilter = (bench: RuleBench, { accountId, userId }: Person, visibility: 'public' | 'private') => ({
  id: bench.ids.next(),
  accountId,
  ownerId: userId,
  name: 'Close to me',
  visibility,
  createdAt: bench.clock.now(),
});

for (const [id, visibility] of [
  ['contacts.filters', 'public'],
  ['contacts.private-filters', 'private'],
] as const) {
  behavesLikeARule(contacts, id, {
    row: async (em, owner, bench) => {
      const filter = em.create(Filter, aFilter(bench, owner, visibility));
      await em.flush();
      em.create(FilterCondition, { id: bench.ids.next(), filterId: filter.id, field: 'name', op: 'is', value: 'Ada' });
    },
    write: (bench, owner) => bench.create(FilterController, owner, { name: 'Close to me', visibility }),
  });
}

behavesLikeARule(contacts, 'contacts.filter-conditions', {
  row: async (em, named, bench) => {
    const filter = em.create(Filter, aFilter(bench, named, 'public'));
    await em.flush();
    const condition = { filterId: filter.id, field: 'assignee', op: 'is', userId: named.userId } as const;
    em.create(FilterCondition, { id: bench.ids.next(), ...condition });
  },
  write: async (bench, named) => {
    const colleague = await bench.person({ accountId: named.accountId });
    const conditions = [{ field: 'assignee', op: 'is', value: named.userId }];
    return bench.create(FilterController, colleague, { name: 'Theirs', conditions });
  },
});

describe('conditions of a filter that the departure deletes', () => {
  let bench: RuleBench;
  beforeAll(async () => {
    bench = await RuleBench.open(contacts);
  });
  afterAll(() => bench.close());

  it('are counted by the receipt as by the preview, on both transitions of a deletion', async () => {
    const leaver = await bench.person();
    const em = bench.em();
    const filter = em.create(Filter, aFilter(bench, leaver, 'public'));
    await em.flush();
    const condition = { filterId: filter.id, field: 'assignee', op: 'is', userId: leaver.userId } as const;
    em.create(FilterCondition, { id: bench.ids.next(), ...condition });
    await em.flush();
    const steps: Transition[] = ['deactivated', 'deleted'];
    const rules: ResolvedRules = {
      'contacts.filters': { deactivated: { action: 'delete' } },
      'contacts.filter-conditions': { deactivated: { action: 'keep' }, deleted: { action: 'keep' } },
    };
    const request = { ...leaver, steps, activeSince: 1, wasManager: false, rules };
    const previewed = await preview(bench.em().getKysely(), bench.rules, request, bench.clock.now());
    const [receipt] = await bench.processor.apply([bench.leaving(leaver, 'deleted', rules, { departure: { steps } })]);
    const counted = [
      ['contacts.filters', 'deactivated', 1],
      ['contacts.filter-conditions', 'deactivated', 1],
      ['contacts.filter-conditions', 'deleted', 1],
    ];
    expect(previewed.map(({ rule, transition, count }) => [rule, transition, count])).toEqual(counted);
    expect(receipt!.rules.map(({ rule, transition, affected }) => [rule, transition, affected])).toEqual(counted);
  });
});

class Sources extends ImportSourceController {
  constructor(em: EntityManager, directory: Directory, ids: Ids, clock: Clock) {
    const encryption = new Encryption('a-secret-for-tests-that-is-long-enough', 'contacts', ids);
    super(em, directory, ids, clock, encryption, new ContactsConfig());
  }
}

const A_SOURCE = { kind: 'ftp', host: 'ftp.example.com', username: 'campus', password: 'secret' } as const;

const createSource = async (bench: RuleBench, owner: Person, more: object = {}) =>
  (await bench.create(Sources, owner, { ...A_SOURCE, ...more })).id;

/** A colleague changes the source. */
async function changeSource(bench: RuleBench, { accountId }: Person, id: string, body: ImportSourceChanges) {
  const colleague = await bench.person({ accountId });
  return bench.call(Sources, 'update', colleague, { roles: ['admin'], params: { id }, body });
}

/** A file of the person's source whose import has not begun. */
async function fileToImport(bench: RuleBench, owner: Person): Promise<string> {
  const { em, uploads } = importerOn(bench);
  const source = { id: await createSource(bench, owner), accountId: owner.accountId, userIdField: null };
  return RequestContext.create(em, async () => {
    const importId = await uploads.openFrom(source, 'contacts.csv');
    await uploads.append(importId, 0, Buffer.from(`ExternalId\n${bench.ids.next()}\n`));
    await uploads.close(importId);
    return importId;
  });
}

/** An import does not fail for the caller if the owner has left; it ends with an error and has written nothing. */
async function runImport(bench: RuleBench, _owner: Person, id: string): Promise<void> {
  const { em, jobs, reports } = importerOn(bench);
  await RequestContext.create(em, async () => {
    await jobs().work(id);
    const { status, created } = await reports.one({ id });
    if (status === 'failed' && created === 0) throw new Problem('inactive-user');
    if (status !== 'completed') throw new Error(`the import is ${status}`);
  });
}

behavesLikeARule(contacts, 'contacts.import-sources', {
  row: (em, owner, bench) =>
    em.create(ImportSource, {
      ...A_SOURCE,
      id: bench.ids.next(),
      accountId: owner.accountId,
      ownerId: owner.userId,
      port: 21,
      path: '.',
      everyMinutes: 60,
      active: true,
      dueAt: bench.clock.now(),
      createdAt: bench.clock.now(),
    }),
  write: (bench, owner) => createSource(bench, owner),
  ways: {
    'that gives a source to the person': {
      given: async (bench, { accountId }) => createSource(bench, await bench.person({ accountId })),
      write: (bench, owner, id) => changeSource(bench, owner, id, { ownerId: owner.userId }),
    },
    'that activates a source': {
      given: (bench, owner) => createSource(bench, owner, { active: false }),
      write: (bench, owner, id) => changeSource(bench, owner, id, { active: true }),
      maySucceed: true,
    },
    'of an import for a source': { given: fileToImport, write: runImport, maySucceed: true },
  },
});

const about = async (bench: RuleBench, { accountId, userId }: Person) => {
  const em = bench.em();
  const contact = em.create(Contact, { id: bench.ids.next(), accountId, createdAt: bench.clock.now() });
  await em.flush();
  return { accountId, contactId: contact.id, author: userId };
};

for (const [part, entity, controller, content] of [
  ['note', Note, NoteController, { text: 'Asks for a discount' }],
  ['comment', Comment, CommentController, { text: 'Agreed' }],
  ['file', AttachedFile, FileController, { name: 'offer.pdf' }],
] as const) {
  behavesLikeARule(contacts, 'contacts.writings', {
    part,
    row: async (em, author, bench) =>
      em.create(entity as typeof Note, {
        id: bench.ids.next(),
        ...(await about(bench, author)),
        ...(content as { text: string }),
        createdAt: bench.clock.now(),
      }),
    write: async (bench, author) => {
      const { contactId } = await about(bench, author);
      return bench.create(controller, author, { contactId, ...content });
    },
  });
}

coversEveryPersonalColumn(contacts, kept);
