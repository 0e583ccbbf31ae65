import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { defineEntity, p } from '@mikro-orm/postgresql';
import { Controller, Module } from '@nestjs/common';
import { sql } from 'kysely';
import { Id, Moment, Nested, resource, Text, UserView, type Access, type Principal } from '#libs/contracts';
import { DatabaseModule, directoryTable, domainTypes, migration, tenantRow, userRef } from '#libs/database';
import { overlap } from '#libs/lifecycle/testing';
import { TestService } from '#libs/platform/testing';
import { platformMigrations } from './calls/idempotency.js';
import { plainResource } from './plain-resource.js';

class NewShelf {
  @Text() name: string;
}
class Shelf extends NewShelf {
  @Id() id: string;
}
class NewBook {
  @Text() title: string;
  @Id({ optional: true }) ownerId?: string;
  @Id({ optional: true, nullable: true }) topShelfId?: string | null;
  @Moment({ optional: true, nullable: true }) dueAt?: string | null;
}
class BookChanges {
  @Text({ optional: true }) title?: string;
  @Id({ optional: true }) ownerId?: string;
  @Id({ optional: true, nullable: true }) topShelfId?: string | null;
  @Moment({ optional: true, nullable: true }) dueAt?: string | null;
}
class Book {
  @Id() id: string;
  @Text() title: string;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Id({ nullable: true }) topShelfId: string | null;
  @Moment({ nullable: true }) dueAt: string | null;
}

const common = { service: 'library', access: 'signed-in' as Access };
const shelves = resource({
  ...common,
  path: '/v1/shelves',
  noun: 'a shelf',
  plural: 'shelves',
  thing: Shelf,
  create: NewShelf,
});
const aBook = { ...common, noun: 'a book', plural: 'books', thing: Book, create: NewBook, update: BookChanges };
const books = resource({ ...aBook, path: '/v1/books' });
const diaries = resource({ ...aBook, path: '/v1/diaries' });
const magazines = resource({ ...aBook, path: '/v1/magazines' });

const ShelfRow = defineEntity({
  name: 'Shelf',
  tableName: 'shelf',
  properties: { ...tenantRow(), name: p.text() },
});
const BookRow = defineEntity({
  name: 'Book',
  tableName: 'book',
  properties: {
    ...tenantRow(),
    title: p.text(),
    ownerId: userRef(),
    topShelfId: p.uuid().nullable(),
    dueAt: p.datetime().nullable(),
    grantedAt: p.datetime().nullable(),
  },
});

@Controller()
class ShelfController extends plainResource(shelves, { entity: ShelfRow, shown: ['name'] }) {}

const book = {
  entity: BookRow,
  shown: ['title', 'topShelfId', 'dueAt'],
  people: ['ownerId'],
  mine: 'ownerId',
  refers: { topShelfId: ShelfRow },
} as const;

@Controller()
class BookController extends plainResource(books, book) {}

@Controller()
class DiaryController extends plainResource(diaries, {
  ...book,
  rights: { see: ['everyone'] },
  whileOwnerActive: ['dueAt'],
}) {}

@Controller()
class MagazineController extends plainResource(magazines, {
  ...book,
  rights: { see: ['everyone'], change: ['everyone'] },
}) {}

@Module({
  imports: [DatabaseModule.forService([ShelfRow, BookRow], [])],
  controllers: [ShelfController, BookController, DiaryController, MagazineController],
})
class LibraryModule {}

const migrations = [
  domainTypes,
  directoryTable,
  ...platformMigrations,
  migration(
    '9000-library',
    'create table shelf (id uuid primary key, account_id uuid not null, name text not null)',
    `create table book (
      id uuid primary key,
      account_id uuid not null,
      title text not null,
      owner_id user_ref not null,
      top_shelf_id uuid references shelf (id) on delete set null,
      due_at timestamptz,
      granted_at timestamptz
    )`,
  ),
];

let library: TestService;
let robin: Principal;
let kim: Principal;
let bookId: string;
beforeAll(async () => {
  library = await TestService.start({ name: 'library', module: LibraryModule, migrations });
});
afterAll(() => library.stop());
beforeEach(async () => {
  robin = await library.person();
  kim = await library.person({ accountId: robin.accountId, name: 'Kim Example' });
});

const DUE = '2030-01-01T09:00:00.000Z';
const make = (more: Partial<NewBook> = {}, by = robin) =>
  library.call(by, books.create, { body: { title: 'Emma', ...more } });
const change = (id: string, body: BookChanges, by = robin) => library.call(by, books.update, { params: { id }, body });
const read = (id: string, by = robin) => library.call(by, books.get, { params: { id } });
const aShelf = async (by = robin) => (await library.call(by, shelves.create, { body: { name: 'Novels' } })).id;
const removeShelf = (id: string) => library.call(robin, shelves.remove, { params: { id } });

describe('a plain resource with `update`', () => {
  it('changes the fields that are given and keeps the others', async () => {
    const made = await make({ dueAt: DUE });
    const topShelfId = await aShelf();
    expect(made).toMatchObject({ title: 'Emma', ownerId: robin.userId, topShelfId: null, dueAt: DUE });
    expect(await change(made.id, { title: 'Persuasion' })).toEqual({ ...made, title: 'Persuasion' });
    const dueAt = '2031-01-01T09:00:00.000Z';
    const moved = await change(made.id, { ownerId: kim.userId, topShelfId, dueAt });
    expect(moved).toMatchObject({ title: 'Persuasion', owner: { name: 'Kim Example' }, topShelfId, dueAt });
    expect(await read(made.id)).toEqual(moved);
    const emptied = { ...moved, topShelfId: null, dueAt: null };
    expect(await change(made.id, { topShelfId: null, dueAt: null })).toEqual(emptied);
  });

  it('changes no field that the contract does not list', async () => {
    const made = await make();
    const { accountId } = await library.person();
    expect(await change(made.id, { id: library.ids.next(), accountId } as BookChanges)).toEqual(made);
    expect(await read(made.id)).toEqual(made);
  });

  it('is not found in another account', async () => {
    const { id } = await make();
    const stranger = await library.person();
    await expect(change(id, { title: 'Mine' }, stranger)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('whose rights say nothing else is changed by its owner and by managers', async () => {
    const { id } = await library.call(robin, diaries.create, { body: { title: 'Monday' } });
    const rename = (by: Principal) => library.call(by, diaries.update, { params: { id }, body: { title: 'Tuesday' } });
    await expect(rename(kim)).rejects.toMatchObject({ code: 'forbidden' });
    const admin = await library.person({ accountId: robin.accountId, roles: ['admin'] });
    for (const allowed of [robin, admin]) expect(await rename(allowed)).toMatchObject({ title: 'Tuesday' });
  });

  it('is given to nobody who has left', async () => {
    const { id } = await make();
    const left = await library.person({ accountId: robin.accountId, status: 'deactivated' });
    await expect(change(id, { ownerId: left.userId })).rejects.toMatchObject({
      code: 'inactive-user',
      details: { items: [left.userId] },
    });
  });

  it('waits for another change, and keeps what that has changed', async () => {
    const { id } = await make();
    const contested = { adminUrl: library.database.adminUrl, row: 'book where id = $1', id };
    const seen = await overlap(
      contested,
      () => change(id, { title: 'Persuasion' }),
      () => change(id, { dueAt: DUE }),
    );
    expect(seen).toMatchObject({ hasWaited: true, second: { value: { title: 'Persuasion', dueAt: DUE } } });
  });
});

describe('a row of a plain resource', () => {
  const aDiary = async () => (await library.call(robin, diaries.create, { body: { title: 'Monday' } })).id;
  const changeDiary = (id: string, body: BookChanges, by = robin) =>
    library.call(by, diaries.update, { params: { id }, body });
  const rowOf = (id: string) => library.em().findOneOrFail(BookRow, { id });
  const leave = ({ userId }: Principal) =>
    sql`update directory set status = 'deactivated' where user_id = ${userId}`.execute(library.em().getKysely());

  it('is handed over by its owner and by managers, even if everybody may change it', async () => {
    const { id } = await library.call(robin, magazines.create, { body: { title: 'Weekly' } });
    const give = (by: Principal, ownerId: string, title?: string) =>
      library.call(by, magazines.update, { params: { id }, body: { ownerId, title } });
    await expect(give(kim, kim.userId)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await give(kim, robin.userId, 'Monthly')).toMatchObject({ title: 'Monthly', ownerId: robin.userId });
    expect(await give(robin, kim.userId)).toMatchObject({ owner: { name: 'Kim Example' } });
    await expect(give(robin, robin.userId)).rejects.toMatchObject({ code: 'forbidden' });
    const admin = await library.person({ accountId: robin.accountId, roles: ['admin'] });
    expect(await give(admin, robin.userId)).toMatchObject({ ownerId: robin.userId });
  });

  it('was granted to its new owner at the time of the handover', async () => {
    const id = await aDiary();
    await changeDiary(id, { title: 'Tuesday', ownerId: robin.userId });
    expect(await rowOf(id)).toMatchObject({ grantedAt: null });
    const before = library.clock.now();
    await changeDiary(id, { ownerId: kim.userId });
    expect((await rowOf(id)).grantedAt!.getTime()).toBeGreaterThanOrEqual(before.getTime());
  });

  it('is not changed by its former owner after a handover that was decided meanwhile', async () => {
    const id = await aDiary();
    const contested = { adminUrl: library.database.adminUrl, row: 'book where id = $1', id };
    const seen = await overlap(
      contested,
      () => changeDiary(id, { ownerId: kim.userId }),
      () => changeDiary(id, { title: 'Mine again', ownerId: robin.userId }),
    );
    expect(seen).toMatchObject({ hasWaited: true, second: { status: 'rejected', reason: { code: 'forbidden' } } });
    expect(await rowOf(id)).toMatchObject({ title: 'Monday', ownerId: kim.userId });
  });

  it('keeps the values that decide about its rule once its owner has left, until it has another owner', async () => {
    const id = await aDiary();
    const admin = await library.person({ accountId: robin.accountId, roles: ['admin'] });
    await leave(robin);
    await expect(changeDiary(id, { dueAt: DUE }, admin)).rejects.toMatchObject({ code: 'inactive-user' });
    expect(await changeDiary(id, { title: 'Kept' }, admin)).toMatchObject({ title: 'Kept', dueAt: null });
    expect(await changeDiary(id, { dueAt: DUE, ownerId: kim.userId }, admin)).toMatchObject({ dueAt: DUE });
  });
});

describe('a plain resource that refers to another row', () => {
  it('names only rows of the account that exist', async () => {
    const { id } = await make();
    const elsewhere = await aShelf(await library.person());
    for (const topShelfId of [elsewhere, library.ids.next()]) {
      const refused = {
        code: 'unknown-reference',
        details: { items: [topShelfId], detail: 'Name a top shelf of this account.' },
      };
      await expect(make({ topShelfId })).rejects.toMatchObject(refused);
      await expect(change(id, { topShelfId })).rejects.toMatchObject(refused);
    }
  });

  it.each([
    ['created', (topShelfId: string) => make({ topShelfId })],
    ['changed', async (topShelfId: string) => change(bookId, { topShelfId })],
  ])('waits for the removal of that row when it is %s, and the removal for it', async (_how, name) => {
    bookId = (await make()).id;
    const [early, late] = [await aShelf(), await aShelf()];
    const contested = { adminUrl: library.database.adminUrl, row: 'shelf where id = $1' };
    const after = await overlap(
      { ...contested, id: early },
      () => removeShelf(early),
      () => name(early),
    );
    expect(after).toMatchObject({ second: { status: 'rejected', reason: { code: 'unknown-reference' } } });
    const before = await overlap(
      { ...contested, id: late },
      () => name(late),
      () => removeShelf(late),
    );
    expect(before).toMatchObject({ first: { status: 'fulfilled' }, second: { status: 'fulfilled' } });
    expect([after.hasWaited, before.hasWaited]).toEqual([true, true]);
  });

  it('checks and locks people before that row, as a departure does', async () => {
    const topShelfId = await aShelf();
    const left = await library.person({ accountId: robin.accountId, status: 'deactivated' });
    const { id } = await make();
    const both = { ownerId: left.userId, topShelfId: library.ids.next() };
    await expect(make(both)).rejects.toMatchObject({ code: 'inactive-user' });
    await expect(change(id, both)).rejects.toMatchObject({ code: 'inactive-user' });
    expect(await change(id, { ownerId: kim.userId, topShelfId })).toMatchObject({ ownerId: kim.userId, topShelfId });
  });
});
