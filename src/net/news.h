/* news.h - what a worker tells the loop, by mailbox: it writes no log itself.
 */
#ifndef NET_NEWS_H
#define NET_NEWS_H

struct net_news {
	int receive_error; /* errno: the kernel gave that in place of queries */
};

#endif
