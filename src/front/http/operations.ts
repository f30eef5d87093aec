/** The operators' port: metrics, health and the status page. It never carries repository data. */
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { addStatusRoutes } from '../status/routes.ts';
import type { StatusSources } from '../status/status.ts';
import { appLogger } from './app-logger.ts';

export interface OperationsOptions {
  readonly registry: Registry;
  readonly logger: Logger;
  readonly status: StatusSources;
  /** Whether only this machine can reach it. */
  readonly isLocal: boolean;
}

export function createOperationsServer({
  registry,
  logger,
  status,
  isLocal,
}: OperationsOptions): FastifyInstance {
  const app = Fastify({
    loggerInstance: appLogger(logger),
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
  app.get('/livez', async (_request, reply) => reply.type('text/plain').send('ok\n'));
  app.get('/readyz', async (_request, reply) => {
    const reason = status.notReady();
    return reply
      .code(reason ? 503 : 200)
      .type('text/plain')
      .send(`${reason ?? 'ok'}\n`);
  });
  addStatusRoutes(app, status, isLocal);
  return app;
}
