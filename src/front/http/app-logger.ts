/** What Fastify may log. */
import type { FastifyBaseLogger } from 'fastify';
import type { Logger } from 'pino';

/**
 * Problems alone, unless more than usual is asked for: each request has its own line, and where all doors listen is said in
 * one, not once for each address.
 */
export function appLogger(logger: Logger): FastifyBaseLogger {
  return logger.level === 'info' ? logger.child({}, { level: 'warn' }) : logger;
}
