import { describe, expect, it } from '@jest/globals';
import { mirrorsIn } from './nats-downloads.js';
import { findNatsServer } from './nats-server.js';

describe('the Debian mirror', () => {
  it('is read from the newer notation', () => {
    expect(mirrorsIn('Types: deb\nURIs: http://mirror.example/debian/\nSuites: stable\n')).toEqual([
      'http://mirror.example/debian',
    ]);
  });

  it('is read from the older notation, options and all', () => {
    const text =
      '# deb http://old.example/debian stable main\ndeb [arch=amd64] https://mirror.example/debian stable main\n';
    expect(mirrorsIn(text)).toEqual(['https://mirror.example/debian']);
  });

  it('is none where no source is an archive of Debian', () => {
    expect(mirrorsIn('deb https://packages.example/apt sdk main\nURIs: https://packages.example/node_20.x')).toEqual(
      [],
    );
  });
});

describe('the chosen nats-server', () => {
  it.each([
    ['is not there', '/nowhere/nats-server', 'ENOENT'],
    ['is not a nats-server of a usable age', process.execPath, 'is the oldest that will do'],
  ])('is refused when it %s', async (_, path, reason) => {
    const before = process.env.NATS_SERVER;
    process.env.NATS_SERVER = path;
    try {
      await expect(findNatsServer('/nowhere')).rejects.toThrow(reason);
    } finally {
      if (before === undefined) delete process.env.NATS_SERVER;
      else process.env.NATS_SERVER = before;
    }
  });
});
