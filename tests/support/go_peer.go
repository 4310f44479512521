package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"
)

type pair struct{ Chain, Key, Anchors string }

func main() {
	server, err := tls.LoadX509KeyPair(os.Args[1], os.Args[2])
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	for lines.Scan() {
		var one pair
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			panic(err)
		}
		fmt.Println(verdict(server, one))
	}
}

func verdict(server tls.Certificate, one pair) string {
	client, err := tls.X509KeyPair([]byte(one.Chain), []byte(one.Key))
	if err != nil {
		return "unusable: " + err.Error()
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(one.Anchors))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	ours, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	theirs, err := listener.Accept()
	if err != nil {
		panic(err)
	}
	ours.SetDeadline(time.Now().Add(5 * time.Second))
	theirs.SetDeadline(time.Now().Add(5 * time.Second))
	go func() {
		dialled := tls.Client(ours, &tls.Config{
			InsecureSkipVerify: true,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &client, nil },
		})
		dialled.Handshake()
		dialled.Read(make([]byte, 1))
		ours.Close()
	}()
	err = tls.Server(theirs, &tls.Config{
		Certificates: []tls.Certificate{server}, ClientAuth: tls.RequireAndVerifyClientCert,
		ClientCAs: pool, MinVersion: tls.VersionTLS13,
	}).Handshake()
	theirs.Close()
	if err != nil {
		return "refused: " + err.Error()
	}
	return "accepted"
}
