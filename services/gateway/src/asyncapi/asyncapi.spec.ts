import { USER_EVENTS } from '#libs/contracts';
import { describe, expect, it } from '@jest/globals';
import { Parser } from '@asyncapi/parser';
import { asyncApiDocument } from './document.js';

describe('the AsyncAPI document', () => {
  const document = asyncApiDocument();

  it('is valid AsyncAPI 3', async () => {
    const { document: parsed, diagnostics } = await new Parser().parse(JSON.stringify(document));
    const faults = diagnostics.filter(({ severity }) => severity <= 1);
    expect(faults.map(({ code, message, path }) => [code, message, path.join('.')])).toEqual([]);
    expect(parsed!.version()).toBe('3.0.0');
    expect(parsed!.operations().all()).toHaveLength(Object.keys(document.channels).length);
  });

  it('has a channel for every user event, with the subject it is published on', () => {
    const addresses = Object.values(document.channels).map((channel) => (channel as { address: string }).address);
    for (const type of USER_EVENTS) expect(addresses).toContain(`${type}.{accountId}.{userId}`);
    expect(addresses).toEqual(expect.arrayContaining(['departure.completed', 'departure.receipt.{service}']));
  });
});
