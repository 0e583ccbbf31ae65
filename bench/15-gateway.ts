import { SessionWatch, SigningKeys } from '#libs/auth';
import { authLogin, NOBODY } from '#libs/contracts';
import { startService } from '#libs/platform';
import { eventually, serviceKeys } from '#libs/test-kit';
import autocannon from 'autocannon';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { importJWK, jwtVerify, type CryptoKey, type JWK } from 'jose';
import { Authenticator } from '../services/gateway/src/auth/authenticator.js';
import { gateway } from '../services/gateway/src/gateway.js';
import { compareRates, inTurn, type Measure, type Side } from './support/measure.js';
import { Identity, OWNER } from './support/identity.js';

const CONNECTIONS = 20;

/** The same response from the same server, once with the gateway's check and once with a check of only the signature. */
export const gatewayCheck: Measure = {
  number: 15,
  name: 'gateway',
  run: async (bench) => {
    const identity = await Identity.start(bench.stage, 1);
    const env = {
      NATS_URL: bench.stage.natsUrl,
      LOG_LEVEL: 'silent',
      PORT: '0',
      HOST: '127.0.0.1',
      ...serviceKeys('gateway'),
    };
    const service = await startService({ ...gateway, env });
    const get = service.app.get.bind(service.app);
    await eventually(() => get(SessionWatch, { strict: false }).fresh);
    const login = { principal: NOBODY, body: { email: OWNER.email, password: OWNER.password } };
    const { accessToken } = await identity.gateway.call(authLogin, login);
    const authenticator = get(Authenticator, { strict: false });
    const [jwk] = (await get(SigningKeys, { strict: false }).all('tokens')).keys;
    const key = (await importJWK(jwk as JWK, 'EdDSA')) as CryptoKey;
    const seconds = Math.max(1, bench.size(5));
    const { ours, theirs } = await inTurn(bench, 4, {
      ours: side(seconds, accessToken, (header) => authenticator.authenticate(header)),
      theirs: side(seconds, accessToken, (header) =>
        jwtVerify(header!.slice('Bearer '.length), key, { algorithms: ['EdDSA'], issuer: 'leaver' }),
      ),
    });
    await service.close();
    await identity.service.close();
    const words = {
      what: 'Requests with revocation check',
      against: 'Fastify with JWT check',
      goal: { atLeast: 0.95 },
    };
    return [compareRates(words, ours, theirs, 'requests')];
  },
};

type Check = (header: string | undefined) => Promise<unknown>;

function side(seconds: number, token: string, check: Check): Side<FastifyInstance> {
  return {
    prepare: async () => {
      const server = Fastify();
      server.addHook('onRequest', async ({ headers }) => void (await check(headers.authorization)));
      server.get('/', () => ({ ok: true }));
      await server.listen({ port: 0, host: '127.0.0.1' });
      return server;
    },
    run: async (server) => {
      const { port } = server.server.address() as AddressInfo;
      const headers = { authorization: `Bearer ${token}` };
      const url = `http://127.0.0.1:${port}/`;
      const { requests, non2xx } = await autocannon({
        url,
        headers,
        connections: CONNECTIONS,
        duration: seconds,
        workers: 1,
      });
      if (non2xx > 0) throw new Error(`${non2xx} requests were refused`);
      return requests.total;
    },
    finish: (server) => server.close(),
  };
}
