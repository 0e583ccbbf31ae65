import { describe, expect, it } from '@jest/globals';
import { mirrorsIn } from './nats-downloads.js';
import { findNatsServer } from './nats-server.js';

describe('the Debian mirror', () => {
  it('is read from .sources files', () => {
    expect(mirrorsIn('Types: deb\nURIs: http://mirror.example/debian/\nSuites: stable\n')).toEqual([
      'http://mirror.example/debian',
    ]);
  });

  it('is read from .list files, with options', () => {
    const text =
      '# deb http://old.example/debian stable main\ndeb [arch=amd64] https://mirror.example/debian stable main\n';
    expect(mirrorsIn(text)).toEqual(['https://mirror.example/debian']);
  });

  it('is empty if no source is a Debian archive', () => {
    expect(mirrorsIn('deb https://packages.example/apt sdk main\nURIs: https://packages.example/node_20.x')).toEqual(
      [],
    );
  });
});

describe('the configured nats-server', () => {
  it.each([
    ['does not exist', '/nowhere/nats-server', 'ENOENT'],
    ['is not a recent enough nats-server', process.execPath, 'is the oldest supported version'],
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
