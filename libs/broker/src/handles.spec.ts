import { describe, expect, it } from '@jest/globals';
import { operation, previewOf, type PreviewLine } from '#libs/contracts';
import { Answers, handlerMetadata, Handles } from './handles.js';

const common = { service: 'notes', summary: '', access: 'signed-in' } as const;
const list = operation({ ...common, id: 'notes.list', method: 'GET', path: '/notes' });
const remove = operation({ ...common, id: 'notes.remove', method: 'DELETE', path: '/notes/:id' });
const create = operation({ ...common, id: 'notes.create', method: 'POST', path: '/notes' });
const check = operation({
  ...common,
  id: 'notes.check',
  method: 'POST',
  path: '/check',
  ignoresIdempotencyKey: 'It changes nothing.',
});
const preview = previewOf('notes');

class Notes {
  @Handles(list)
  async list(): Promise<void> {}

  @Handles(create)
  async create(): Promise<void> {}

  @Handles(check, { transaction: false })
  async check(): Promise<void> {}

  @Answers(preview)
  preview(): PreviewLine[] {
    return [];
  }
}

describe('the declaration of a handler', () => {
  it('runs an operation that changes something in a transaction by default', () => {
    expect(handlerMetadata(Notes.prototype.create)).toMatchObject({
      operation: { id: 'notes.create' },
      transaction: true,
    });
    expect(handlerMetadata(Notes.prototype.list)).toMatchObject({ transaction: false });
    expect(handlerMetadata(Notes.prototype.check)).toMatchObject({ transaction: false });
    expect(handlerMetadata(Notes.prototype.preview)).toEqual({
      ask: expect.objectContaining({ subject: preview.subject }),
      transaction: false,
    });
  });

  it('of what takes an idempotency key needs a transaction, in which the key is recorded', () => {
    expect(() => Handles(create, { transaction: false })).toThrow('notes.create needs a transaction');
    expect(() => Handles(check, { transaction: false })).not.toThrow();
    expect(() => Handles(remove, { transaction: false })).not.toThrow();
  });

  it('of what has no caller says why it works across accounts', () => {
    const open = operation({ ...common, id: 'notes.open', method: 'GET', path: '/open', access: 'public' });
    expect(() => Handles(open)).toThrow('notes.open has no caller');
    expect(() => Handles(open, { acrossAccounts: 'A note is found by its link.' })).not.toThrow();
  });
});
