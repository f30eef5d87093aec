/** What tests make up may be as large as they say. Left to itself, fast-check stops at some ten elements. */
import fc from 'fast-check';

fc.configureGlobal({ defaultSizeToMaxWhenMaxSpecified: true });
